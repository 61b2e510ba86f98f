using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using CsvHelper;
using CsvHelper.Configuration;
using Katib.Cli.Sources;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Metrics;

namespace Katib.Cli.Commands;

/// <summary><c>katib export</c>: every trial with every parameter and metric, as a table for other programs.</summary>
internal static class ExportCommand
{
    public static Command Create()
    {
        var name = CommonOptions.Name();
        var store = CommonOptions.Store();
        var csv = new Option<bool>("--csv") { Description = "RFC 4180, the default" };
        var lines = new Option<bool>("--jsonl") { Description = "One JSON object a line" };
        var command = new Command("export", "Print all trials, with states, times, parameters and metrics.") { name, store, csv, lines };
        command.Validators.Add(result =>
        {
            if (result.GetValue(csv) && result.GetValue(lines))
            {
                result.AddError("Choose one of --csv and --jsonl.");
            }
        });
        command.ExcludeWithServer(store);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var source = await CommonOptions.OpenAsync(parsed, store, cancellationToken);
            var (spec, state, _) = await source.ReadAsync(parsed.GetRequiredValue(name), cancellationToken);
            await using var output = new StreamWriter(Console.OpenStandardOutput());
            if (parsed.GetValue(lines))
            {
                WriteLines(output, state);
            }
            else
            {
                WriteCsv(output, spec, state);
            }

            return ExitCodes.Success;
        });
        return command;
    }

    private static void WriteCsv(TextWriter output, ExperimentSpec spec, ExperimentState state)
    {
        using var csv = new CsvWriter(output, new CsvConfiguration(CultureInfo.InvariantCulture) { NewLine = "\r\n" });
        var parameters = spec.Parameters.Select(static p => p.Name).ToArray();
        var metrics = spec.Objective.AllMetricNames;
        Write([
            "trial", "status", "reason", "message", "created", "started", "ended",
            .. parameters.Select(static p => $"params.{p}"),
            .. metrics.SelectMany(static m => new[] { $"metrics.{m}.min", $"metrics.{m}.max", $"metrics.{m}.latest" }),
        ]);
        foreach (var trial in state.Trials)
        {
            var values = trial.Assignments.ToDictionary(static a => a.Name, static a => a.Value, StringComparer.Ordinal);
            Write([
                trial.Name, trial.Status.ToString(), trial.Reason, trial.Message,
                Time(trial.CreatedAt), Time(trial.StartedAt), Time(trial.EndedAt),
                .. parameters.Select(p => values.GetValueOrDefault(p, "")),
                .. trial.Observation.Metrics.SelectMany(static m => new[] { Reported(m.Min), Reported(m.Max), Reported(m.Latest) }),
            ]);
        }

        void Write(IEnumerable<string> fields)
        {
            foreach (var field in fields)
            {
                csv.WriteField(field);
            }

            csv.NextRecord();
        }
    }

    private static void WriteLines(TextWriter output, ExperimentState state)
    {
        foreach (var trial in state.Trials)
        {
            var line = new JsonObject
            {
                ["trial"] = trial.Name,
                ["status"] = trial.Status.ToString(),
                ["reason"] = trial.Reason,
                ["message"] = trial.Message,
                ["created"] = Time(trial.CreatedAt),
                ["started"] = Time(trial.StartedAt),
                ["ended"] = Time(trial.EndedAt),
                ["params"] = new JsonObject(trial.Assignments.Select(
                    static a => KeyValuePair.Create(a.Name, (JsonNode?)JsonValue.Create(a.Value)))),
                ["metrics"] = new JsonObject(trial.Observation.Metrics
                    .Where(static m => m.Latest is not MetricSummary.Unavailable)
                    .Select(static m => KeyValuePair.Create(m.Name, (JsonNode?)new JsonObject
                    {
                        ["min"] = m.Min,
                        ["max"] = m.Max,
                        ["latest"] = m.Latest,
                    }))),
            };
            output.Write(line.ToJsonString());
            output.Write('\n');
        }
    }

    private static string Reported(string value) => value is MetricSummary.Unavailable ? "" : value;

    private static string Time(DateTimeOffset? time) =>
        time?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture) ?? "";
}
