using System.Collections.Immutable;
using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Katib.Cli.Sources;
using Katib.Coordinator.Experiments;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Katib.Cli.Commands;

/// <summary><c>katib best</c>: the best parameters for programs to read.</summary>
internal static class BestCommand
{
    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static Command Create()
    {
        var name = CommonOptions.Name();
        var store = CommonOptions.Store();
        var output = CommonOptions.OneOf(
            "--output", ["-o"], "json, env (for a shell: eval \"$(katib best NAME -o env)\") or yaml", "json", "json", "env", "yaml");
        var command = new Command("best", "Print the best trial's parameters.") { name, store, output };
        command.ExcludeWithServer(store);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var source = await CommonOptions.OpenAsync(parsed, store, cancellationToken);
            var (spec, state, _) = await source.ReadAsync(parsed.GetRequiredValue(name), cancellationToken);
            if (ExperimentMachine.Best(spec.Objective, state.Trials) is not { } best)
            {
                throw new UserException(
                    $"No trial of '{spec.Name}' has reported {spec.Objective.MetricName} yet; `katib status {spec.Name}` says how far it is.");
            }

            await Console.Out.WriteAsync(parsed.GetRequiredValue(output) switch
            {
                "env" => Env(best.Assignments),
                "yaml" => Yaml(best.Assignments),
                _ => Json(spec.Objective, best),
            });
            return ExitCodes.Success;
        });
        return command;
    }

    private static string Json(ObjectiveSpec objective, TrialState best) => new JsonObject
    {
        ["trial"] = best.Name,
        ["objective"] = new JsonObject
        {
            ["name"] = objective.MetricName,
            ["type"] = objective.Maximize ? "maximize" : "minimize",
            ["value"] = best.Observation.Metrics
                .Single(m => m.Name == objective.MetricName).By(objective.Strategies[objective.MetricName]),
        },
        ["parameters"] = new JsonObject(best.Assignments.Select(
            static a => KeyValuePair.Create(a.Name, (JsonNode?)JsonValue.Create(a.Value)))),
    }.ToJsonString(Indented) + "\n";

    /// <summary>Assignments that any POSIX shell reads; a name that is none there gets underscores.</summary>
    private static string Env(ImmutableArray<Assignment> assignments) => string.Concat(assignments.Select(static a =>
    {
        var letters = a.Name.Select(static c => char.IsAsciiLetterOrDigit(c) ? char.ToUpperInvariant(c) : '_');
        var name = string.Concat(letters);
        return $"{(char.IsAsciiDigit(name[0]) ? "_" : "")}{name}='{a.Value.Replace("'", "'\\''", StringComparison.Ordinal)}'\n";
    }));

    private static string Yaml(ImmutableArray<Assignment> assignments)
    {
        // Quoted, so that a text such as 010 or no stays the text that it is.
        var mapping = new YamlMappingNode(assignments.Select(static a => new KeyValuePair<YamlNode, YamlNode>(
            new YamlScalarNode(a.Name), new YamlScalarNode(a.Value) { Style = ScalarStyle.DoubleQuoted })));
        using var text = new StringWriter { NewLine = "\n" };
        new YamlStream(new YamlDocument(mapping)).Save(text, assignAnchors: false);
        return text.ToString().Replace("...\n", "", StringComparison.Ordinal);
    }
}
