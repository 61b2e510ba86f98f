using System.Collections.Immutable;

namespace Katib.Algorithms.EarlyStopping;

/// <summary>Gives up a trial that is not among the best at one of the rungs, each some times as far as the one before.</summary>
/// <remarks>
/// Asynchronous successive halving (ASHA; Li et al. 2020, "A System for Massively Parallel Hyperparameter Tuning") in the form
/// that stops rather than pauses: at each rung a trial goes on while it is among the best 1/eta of all that have come so far.
/// Nobody waits for anybody, so the first ones at a rung are judged by few.
/// </remarks>
public sealed class SuccessiveHalving : IStoppingRule
{
    private const int MaxReports = 1_000_000_000;

    /// <inheritdoc/>
    public ImmutableArray<SettingDeclaration> Settings { get; } =
    [
        new("min_resource", "whole number, 1 or more", "1", "after how many reports a trial stands at the first rung"),
        new("reduction_factor", "whole number, 2 or more", "3", "how many times as far the next rung is, and of how many trials one goes on"),
    ];

    /// <inheritdoc/>
    public bool Counts(TrialStatus status) => status is not (TrialStatus.Created or TrialStatus.Unknown);

    /// <inheritdoc/>
    public IStoppingPlan Plan(AlgorithmSettings settings, bool maximize)
    {
        var reader = settings.Read(Settings);
        var first = reader.WholeNumber("min_resource", 1, MaxReports, "min_resource must be greater or equal than one (>=1)");
        var eta = reader.WholeNumber("reduction_factor", 2, MaxReports, "reduction_factor must be greater or equal than two (>=2)");
        reader.ThrowIfInvalid();
        return new Planned((int)(first ?? 1), (int)(eta ?? 3), maximize ? -1 : 1);
    }

    private sealed record Planned(int First, int Eta, int Sign) : IStoppingPlan
    {
        /// <summary>The best value so far at each rung that the trial has reached; the worst there is where it had no number yet.</summary>
        public ImmutableArray<double> Summarize(IEnumerable<double> reports)
        {
            var rungs = ImmutableArray.CreateBuilder<double>();
            var (count, next, best) = (0, (long)First, double.PositiveInfinity);
            foreach (var report in reports)
            {
                best = Math.Min(best, double.IsNaN(report) ? best : Sign * report);
                if (++count == next)
                {
                    rungs.Add(Sign * best);
                    next *= Eta;
                }
            }

            return rungs.ToImmutable();
        }

        public ImmutableArray<StoppingThreshold> Decide(IEnumerable<ImmutableArray<double>> summaries)
        {
            ImmutableArray<double>[] trials = [.. summaries];
            var thresholds = ImmutableArray.CreateBuilder<StoppingThreshold>();
            long step = First;
            for (var rung = 0; step <= MaxReports; rung++, step *= Eta)
            {
                double[] losses = [.. trials.Where(t => t.Length > rung).Select(t => Sign * t[rung]).Order()];
                if (losses.Length < Eta)
                {
                    break;
                }

                thresholds.Add(new(Sign * losses[(losses.Length / Eta) - 1], (int)step));
            }

            return thresholds.ToImmutable();
        }
    }
}
