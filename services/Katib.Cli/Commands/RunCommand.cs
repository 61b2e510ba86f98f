using System.Collections.Immutable;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Manifests;
using Katib.Coordinator.Storage;
using Katib.Telemetry;

namespace Katib.Cli.Commands;

/// <summary>What the user asked <c>katib run</c> for.</summary>
internal sealed record RunOptions(
    FileInfo File,
    Budgets Budgets,
    StoreLocation Store,
    ImmutableDictionary<string, Uri> Endpoints,
    RunnerKind? Runner,
    ImmutableArray<string> Gpus,
    bool Fresh,
    bool AllowsAnonymousPush,
    IPAddress? PushAddress,
    bool Json);

/// <summary><c>katib run</c>: from the file to the best trial.</summary>
internal static class RunCommand
{
    public static Command Create()
    {
        var file = CommonOptions.ManifestFile();
        var parallel = CommonOptions.Count("--parallel", "How many trials run at once, in place of parallelTrialCount");
        var maxTrials = CommonOptions.Count("--max-trials", "How many trials in all, in place of maxTrialCount");
        var trialTimeout = new Option<string?>("--trial-timeout")
        {
            Description = "How long a trial may run, such as 30m; '30m keep' keeps what it has reported until then",
        };
        var maxDuration = new Option<string?>("--max-duration") { Description = "How long the experiment may take, such as 8h" };
        var retry = new Option<string?>("--retry")
        {
            Description = "How often a failed trial is tried again, by what it has failed of: infra=9,oom=0,user=0 unless told",
        };
        var atEnd = new Option<string?>("--at-end")
        {
            Description = "What becomes of trials that run when the experiment ends: stop (unless told), or finish",
        };
        var keep = new Option<string?>("--keep")
        {
            Description = "Of which trials the containers are kept after their end: none (unless told), failed, or all",
        };
        var warmStart = new Option<FileInfo?>("--warm-start")
        {
            Description = "Results from elsewhere that the algorithm begins with: a CSV file as `katib export` writes it, or with a column for each parameter and for the objective",
        };
        var store = CommonOptions.Store();
        var endpoints = new Option<KeyValuePair<string, Uri>[]>("--endpoint")
        {
            Description = "Use a running algorithm service: NAME=URL, for instance random=http://127.0.0.1:6789; may be repeated",
            CustomParser = ParseEndpoints,
            DefaultValueFactory = static _ => [],
        };
        var runner = CommonOptions.Runner(
            "What trials run as: process, docker (containers of the daemon that docker itself would use), or kubernetes (objects of the cluster that kubectl would use)");
        var gpus = new Option<string?>("--gpus")
        {
            Description = "Devices such as 0,1: each running trial gets one of its own (as CUDA_VISIBLE_DEVICES, or in its container)",
        };
        var fresh = new Option<bool>("--fresh") { Description = "Forget an earlier run of this experiment and start anew" };
        var anonymous = new Option<bool>("--allow-anonymous-push")
        {
            Description = "With the collector Push, take metrics without a token too, for Katib's own collectors",
        };
        var pushAddress = new Option<IPAddress?>("--push-address")
        {
            Description = "With --runner kubernetes and the collector Push: this machine's address, as the cluster's pods reach it",
            CustomParser = static result =>
            {
                if (IPAddress.TryParse(result.Tokens[^1].Value, out var address))
                {
                    return address;
                }

                result.AddError($"--push-address takes an address such as 192.168.1.10, not '{result.Tokens[^1].Value}'.");
                return null;
            },
        };
        var output = CommonOptions.OneOf("--output", ["-o"], "table, or json: Katib's Experiment with its trials", "table", "table", "json");
        var command = new Command("run", """
            Run an experiment on this machine to its end.

            Each trial is a process: the command of the template's primary container, started where the file lies. The
            image is not used. With --runner docker it is a container of that image, with --runner kubernetes the template's
            object itself: a Job, or a kind of the cluster's operators. Press Ctrl-C to stop; the same command goes on where
            it stopped. The exit code is 0 only when the experiment has succeeded.

            With --server the experiment is handed to a coordinator and followed; Ctrl-C leaves it running there.
            """)
        {
            file, parallel, maxTrials, trialTimeout, maxDuration, retry, atEnd, keep, warmStart, store, endpoints, runner, gpus, fresh, anonymous, pushAddress, output,
        };
        command.ExcludeWithServer(store, endpoints, runner, gpus, anonymous, pushAddress);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            string[] devices =
                [.. (parsed.GetValue(gpus) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Distinct()];
            var budgets = new Budgets(
                parsed.GetValue(parallel),
                parsed.GetValue(maxTrials),
                devices.Length > 0 ? devices.Length : null,
                [
                    .. Annotation(PolicyReader.TrialTimeout, parsed.GetValue(trialTimeout)),
                    .. Annotation(PolicyReader.MaxDuration, parsed.GetValue(maxDuration)),
                    .. Annotation(PolicyReader.Retry, parsed.GetValue(retry)),
                    .. Annotation(PolicyReader.AtEnd, parsed.GetValue(atEnd)),
                    .. Annotation(PolicyReader.Keep, parsed.GetValue(keep)),
                ],
                parsed.GetValue(warmStart));
            var isJson = parsed.GetRequiredValue(output) is "json";
            if (CommonOptions.OpenServer(parsed) is { } server)
            {
                await using (server)
                {
                    return await new ServerRun(server, isJson, TimeProvider.System).RunAsync(
                        parsed.GetRequiredValue(file), budgets, parsed.GetValue(fresh), cancellationToken);
                }
            }

            await using var telemetry = await TelemetryPipeline.StartAsync("katib", cancellationToken);
            await using var run = new ExperimentRun(
                new(
                    parsed.GetRequiredValue(file),
                    budgets,
                    StoreLocation.OfFile(parsed.GetRequiredValue(store).FullName),
                    parsed.GetRequiredValue(endpoints).ToImmutableDictionary(),
                    parsed.GetValue(runner),
                    [.. devices],
                    parsed.GetValue(fresh),
                    parsed.GetValue(anonymous),
                    parsed.GetValue(pushAddress),
                    isJson),
                telemetry,
                TimeProvider.System);
            return await run.RunAsync(cancellationToken);
        });
        return command;
    }

    private static KeyValuePair<string, string>[] Annotation(string name, string? value) =>
        value is null ? [] : [new(name, value)];

    private static KeyValuePair<string, Uri>[] ParseEndpoints(ArgumentResult result)
    {
        var endpoints = new Dictionary<string, Uri>(StringComparer.Ordinal);
        foreach (var text in result.Tokens.Select(static t => t.Value))
        {
            if (text.Split('=', 2) is [{ Length: > 0 } name, var address]
                && Uri.TryCreate(address, UriKind.Absolute, out var endpoint)
                && endpoint.Scheme is "http" or "https")
            {
                endpoints[name] = endpoint;
            }
            else
            {
                result.AddError($"--endpoint takes NAME=URL, for instance random=http://127.0.0.1:6789, not '{text}'.");
            }
        }

        return [.. endpoints];
    }
}
