using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Katib.Algorithms.EarlyStopping;
using Katib.Algorithms.Random;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Manifests;
using Katib.Coordinator.Metrics;

namespace Katib.Benchmarks;

/// <summary>
/// What early stopping saves on a real training, and what it costs: random search on the example `inpainting`, seed by seed.
/// Points do not depend on results there, so that each training is run once, to its end, and then judged by each rule.
/// </summary>
internal static partial class StoppingBenchmark
{
    private const int Seeds = 10;
    private const int Trials = 30;
    private const string Metric = "rmse";

    private static readonly string Examples = Path.Combine(Repository.Folder, "examples");

    private static readonly (string Name, IStoppingRule Rule, (string Name, string Value)[] Settings)[] Rules =
    [
        ("medianstop, as it is", new MedianStop(), []),
        ("medianstop, start_step 2", new MedianStop(), [("start_step", "2")]),
        ("asha, as it is", new SuccessiveHalving(), []),
        ("asha, reduction_factor 2", new SuccessiveHalving(), [("reduction_factor", "2")]),
    ];

    public static async Task RunAsync()
    {
        Figures.Title(FormattableString.Invariant(
            $"stopping: worker time that early stopping saves, {Seeds} seeds of random search with {Trials} trials of examples/inpainting"));
        var spec = ExperimentYaml.Parse(await File.ReadAllTextAsync(Path.Combine(Examples, "inpainting.yaml"))).Spec!;
        var runs = new List<double[][]>();
        for (var seed = 1; seed <= Seeds; seed++)
        {
            runs.Add(await TrainAsync(spec, seed));
        }

        Figures.Baseline("work without a rule, in trials", Trials, "");
        Figures.Note($"best {Metric} without a rule, median of the seeds: {Text(Figures.Median(runs.Select(static r => r.Min(static t => t[^1]))))}");
        foreach (var (name, rule, settings) in Rules)
        {
            var plan = rule.Plan(new(name, [.. settings.Select(static s => KeyValuePair.Create(s.Name, s.Value))]), maximize: false);
            var judged = runs.Select(run => (Run: run, After: Judge(run, rule, plan, spec.Objective))).ToArray();
            var work = judged.Select(static j => j.After.Sum(static t => t.Length) / (double)j.Run[0].Length).ToArray();
            var loss = judged.Select(static j => j.After.Min(static t => t[^1]) - j.Run.Min(static t => t[^1])).ToArray();
            Figures.Print($"work with {name}, median", Figures.Median(work), "", Trials);
            Figures.Note(
                $"from {Text(work.Min())} to {Text(work.Max())}; {Metric} of the best is worse by {Text(Figures.Median(loss))} in the median, "
                + $"{Text(loss.Max())} at most; the same best trial in {loss.Count(static l => l <= 0)} of {Seeds} seeds");
        }
    }

    /// <summary>All values that the trials of a seed report, each trained to its end.</summary>
    private static async Task<double[][]> TrainAsync(ExperimentSpec spec, int seed)
    {
        var study = new Study(
            $"inpainting-{seed}",
            SearchSpace.Create(spec.Parameters, []),
            new("random", [KeyValuePair.Create("random_state", seed.ToString(CultureInfo.InvariantCulture))]),
            [],
            0,
            null);
        var points = new RandomSearch().Suggest(study, Trials, CancellationToken.None).Suggestions;
        var curves = new double[Trials][];

        // The first one builds the worker.
        curves[0] = await TrainAsync(points[0].Assignments);
        await Parallel.ForAsync(
            1,
            Trials,
            new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount },
            async (i, _) => curves[i] = await TrainAsync(points[i].Assignments));
        return curves;
    }

    private static async Task<double[]> TrainAsync(ImmutableArray<Assignment> assignments)
    {
        var start = new ProcessStartInfo(
            "sh", [Path.Combine(Examples, "train.sh"), "inpainting", .. assignments.Select(static a => $"--{a.Name}={a.Value}")])
        {
            RedirectStandardOutput = true,
        };
        using var worker = Process.Start(start)!;
        var output = await worker.StandardOutput.ReadToEndAsync();
        await worker.WaitForExitAsync();
        double[] reports = [.. Reported.Matches(output).Select(static m => double.Parse(m.Groups[1].ValueSpan, CultureInfo.InvariantCulture))];
        return reports.Length > 0 ? reports : throw new InvalidOperationException($"The worker has ended with {worker.ExitCode}: {output}");
    }

    /// <summary>What is left of each trial, one after the other, when it is judged at each of its reports by those before it.</summary>
    private static double[][] Judge(double[][] trials, IStoppingRule rule, IStoppingPlan plan, ObjectiveSpec objective)
    {
        var ended = new List<(TrialStatus Status, double[] Reports)>();
        foreach (var reports in trials)
        {
            var observation = Observation.Of([Metric]);
            var until = reports.Length;
            for (var i = 0; i < reports.Length && until == reports.Length; i++)
            {
                observation = observation.Add(new MetricPoint(Metric, reports[i].ToString(CultureInfo.InvariantCulture), null));
                var known = ended.Append((Status: TrialStatus.Running, Reports: reports[..(i + 1)])).Where(t => rule.Counts(t.Status));
                ImmutableArray<StoppingRule> rules =
                [
                    .. plan.Decide(known.Select(t => plan.Summarize(t.Reports)))
                        .Select(static t => new StoppingRule(Metric, t.Value, StoppingComparison.Greater, t.StartStep)),
                ];
                until = StoppingRule.Verdict(rules, observation, objective) is null ? until : i + 1;
            }

            ended.Add((until == reports.Length ? TrialStatus.Succeeded : TrialStatus.EarlyStopped, reports[..until]));
        }

        return [.. ended.Select(static t => t.Reports)];
    }

    private static string Text(double value) => value.ToString("0.####", CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\brmse=(\S+)")]
    private static partial Regex Reported { get; }
}
