using System.Globalization;
using System.Net;
using Katib.Coordinator.Api;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Storage;
using Microsoft.Extensions.Options;

namespace Katib.Coordinator.Host;

/// <summary>What an operator sets: by environment (<c>Coordinator__Experiments</c>) or argument (<c>--Coordinator:Experiments=…</c>).</summary>
internal sealed class CoordinatorOptions
{
    /// <summary>The section of the configuration.</summary>
    public const string Section = "Coordinator";

    /// <summary>The folder whose YAML files are run; empty for none.</summary>
    public string Experiments { get; set; } = "";

    /// <summary>What keeps experiments and results: a file, or <c>postgres://USER@HOST:PORT/DATABASE</c>, or the same with <c>mysql</c>.</summary>
    public string Store { get; set; } = StoreLocation.DefaultFile;

    /// <summary>The folder for what trials leave; empty for one beside the store's file, or <c>.katib/trials</c>.</summary>
    public string Trials { get; set; } = "";

    /// <summary>The address of the submit API; empty for no API.</summary>
    public string Listen { get; set; } = "";

    /// <summary>The file with the token that the submit API asks for; made when there is none.</summary>
    public string TokenFile { get; set; } = "";

    /// <summary>The token itself, in place of the file.</summary>
    public string Token { get; set; } = "";

    /// <summary>Where the trials of submitted experiments start.</summary>
    public string WorkingDirectory { get; set; } = ".";

    /// <summary>What the trials of new experiments are run as.</summary>
    public RunnerKind Runner { get; set; }

    /// <summary>Where trials push their metrics to.</summary>
    public PushSettings Push { get; } = new();

    /// <summary>The algorithm services: name to address.</summary>
    public Dictionary<string, Uri> Endpoints { get; } = [];

    /// <summary>Where trials push their metrics to.</summary>
    internal sealed class PushSettings
    {
        /// <summary>The address to listen on; beside it, where trials are containers, the one that they see of this machine.</summary>
        public string Bind { get; set; } = IPAddress.Loopback.ToString();

        /// <summary>The name of this machine that trials are told; empty for the one that suits where they run.</summary>
        public string Host { get; set; } = "";

        /// <summary>The port for a POST; 0 for a free one.</summary>
        public int HttpPort { get; set; }

        /// <summary>The port for Katib's DBManager contract; 0 for a free one.</summary>
        public int GrpcPort { get; set; }

        /// <summary>Whether calls without a token may do everything, for Katib's own collectors.</summary>
        public bool AllowAnonymous { get; set; }
    }

    /// <summary>What must hold before anything is run.</summary>
    internal sealed class Rules : IValidateOptions<CoordinatorOptions>
    {
        /// <inheritdoc/>
        public ValidateOptionsResult Validate(string? name, CoordinatorOptions options)
        {
            string[] failures = [.. FolderFailures(options), .. StoreFailures(options), .. ListenFailures(options), .. PushFailures(options.Push), .. HostFailures(options), .. EndpointFailures(options)];
            return failures.Length > 0 ? ValidateOptionsResult.Fail(failures) : ValidateOptionsResult.Success;
        }

        private static IEnumerable<string> FolderFailures(CoordinatorOptions options)
        {
            if (!Directory.Exists(options.Experiments) && (options.Experiments.Length > 0 || options.Listen.Length is 0))
            {
                yield return $"Coordinator:Experiments '{options.Experiments}' must be an existing folder with Experiment "
                    + "files; or leave it out and set Coordinator:Listen, so that experiments can be submitted.";
            }

            if (!Directory.Exists(options.WorkingDirectory))
            {
                yield return $"Coordinator:WorkingDirectory '{options.WorkingDirectory}' must be an existing folder: the "
                    + "trials of submitted experiments start there.";
            }
        }

        private static IEnumerable<string> StoreFailures(CoordinatorOptions options)
        {
            string? problem = null;
            try
            {
                _ = StoreLocation.Parse(options.Store, options.Trials);
            }
            catch (FormatException wrong)
            {
                // Without the value: it may hold a password.
                problem = $"Coordinator:Store {wrong.Message}.";
            }

            if (problem is not null)
            {
                yield return problem;
            }
        }

        private static IEnumerable<string> ListenFailures(CoordinatorOptions options)
        {
            if (options.Listen.Length is 0)
            {
                yield break;
            }

            if (!Uri.TryCreate(options.Listen, UriKind.Absolute, out var address)
                || address.Scheme is not ("http" or "https")
                || address.PathAndQuery is not "/")
            {
                yield return $"Coordinator:Listen '{options.Listen}' must be an address such as http://127.0.0.1:8080.";
            }

            if (options.Token.Length is 0 == options.TokenFile.Length is 0)
            {
                yield return "Coordinator:Listen needs a token, for whoever may submit an experiment may start programs: set one "
                    + "of Coordinator:TokenFile (a file, made with a random token when there is none) and Coordinator:Token.";
            }

            if (options.Token.Length > 0 && AccessToken.Problem(options.Token) is { } problem)
            {
                yield return $"Coordinator:Token {problem}.";
            }
        }

        private static IEnumerable<string> PushFailures(PushSettings push)
        {
            if (!IPAddress.TryParse(push.Bind, out _))
            {
                yield return $"Coordinator:Push:Bind '{push.Bind}' must be an address of this machine such as 127.0.0.1, or 0.0.0.0 for all.";
            }

            foreach (var (name, port) in new[] { (nameof(push.HttpPort), push.HttpPort), (nameof(push.GrpcPort), push.GrpcPort) })
            {
                if (port is < IPEndPoint.MinPort or > IPEndPoint.MaxPort)
                {
                    yield return string.Create(
                        CultureInfo.InvariantCulture,
                        $"Coordinator:Push:{name} '{port}' must be a port from 1 to {IPEndPoint.MaxPort}, or 0 for a free one.");
                }
            }
        }

        private static IEnumerable<string> HostFailures(CoordinatorOptions options)
        {
            if (options is { Runner: RunnerKind.Kubernetes, Push.Host: "" })
            {
                yield return "Coordinator:Runner 'Kubernetes' needs Coordinator:Push:Host, the name under which pods reach this process, "
                    + "and Coordinator:Push:Bind with an address that they reach, for instance 0.0.0.0.";
            }
        }

        private static IEnumerable<string> EndpointFailures(CoordinatorOptions options)
        {
            if (options.Endpoints.Count is 0)
            {
                yield return "Coordinator:Endpoints is empty; name at least one algorithm service, "
                    + "for instance --Coordinator:Endpoints:random=http://random:6789.";
            }

            foreach (var (name, endpoint) in options.Endpoints)
            {
                if (!endpoint.IsAbsoluteUri || endpoint.Scheme is not ("http" or "https"))
                {
                    yield return $"Coordinator:Endpoints:{name} '{endpoint}' must be an address such as http://{name}:6789.";
                }
            }
        }
    }
}
