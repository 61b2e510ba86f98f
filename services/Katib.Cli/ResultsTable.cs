using System.Collections.Immutable;
using System.Globalization;
using CsvHelper;
using CsvHelper.Configuration;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Manifests;

namespace Katib.Cli;

/// <summary>Results as a table: what <c>katib export</c> writes, or a column for each parameter and one for the objective.</summary>
internal static class ResultsTable
{
    /// <summary>The rows that are results of this experiment's search space; what is left out is counted on <paramref name="notes"/>.</summary>
    /// <exception cref="UserException">There is no such file, or it lacks a column.</exception>
    public static ImmutableArray<PriorResult> Read(FileInfo file, ExperimentSpec spec, TextWriter notes)
    {
        if (!file.Exists)
        {
            throw new UserException($"--warm-start '{file}': there is no such file.");
        }

        using var csv = new CsvReader(
            new StreamReader(file.FullName), new CsvConfiguration(CultureInfo.InvariantCulture) { BadDataFound = null, MissingFieldFound = null });
        try
        {
            _ = csv.Read() && csv.ReadHeader();
            return Read(csv, file, spec, notes);
        }
        catch (CsvHelperException broken)
        {
            throw new UserException($"--warm-start '{file}': is no table that can be read: {broken.Message.Split('\n')[0].TrimEnd()}");
        }
    }

    private static ImmutableArray<PriorResult> Read(CsvReader csv, FileInfo file, ExperimentSpec spec, TextWriter notes)
    {
        var space = SearchSpace.Create(spec.Parameters, []);
        var header = csv.HeaderRecord ?? [];
        var metric = spec.Objective.MetricName;
        var strategy = spec.Objective.Strategies[metric].ToString().ToLowerInvariant();
        string[] columns = [.. spec.Parameters.Select(p => Column($"params.{p.Name}", p.Name))];
        var objective = Column($"metrics.{metric}.{strategy}", metric);
        var status = header.Contains("status") ? "status" : null;

        var results = new Dictionary<Point, PriorResult>();
        var (rows, outside, without) = (0, 0, 0);
        while (csv.Read())
        {
            rows++;
            Assignment[] assignments = [.. spec.Parameters.Zip(columns, (p, column) => new Assignment(p.Name, csv.GetField(column) ?? ""))];
            if (!Numbers.TryParse(csv.GetField(objective) ?? "", out var value)
                || (status is not null && csv.GetField(status) is not (nameof(TrialStatus.Succeeded) or nameof(TrialStatus.EarlyStopped))))
            {
                without++;
            }
            else if (space.Parse(assignments) is not { } point)
            {
                outside++;
            }
            else
            {
                _ = results.TryAdd(point, new(space.Format(point), value));
            }
        }

        if (results.Count > PriorResultsReader.MaxResults)
        {
            throw new UserException($"--warm-start '{file}': has {results.Count} results; there may be {PriorResultsReader.MaxResults}.");
        }

        notes.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{file}: the algorithm begins with {results.Count} of {rows} rows; left out are {outside} outside the search space, "
            + $"{without} without a value of '{metric}', {rows - results.Count - outside - without} repeated."));
        return [.. results.Values];

        string Column(string exported, string plain) =>
            header.Contains(exported) ? exported
            : header.Contains(plain) ? plain
            : throw new UserException(
                $"--warm-start '{file}': has no column '{plain}', nor '{exported}'; it has {string.Join(", ", header.Select(static h => $"'{h}'"))}.");
    }
}
