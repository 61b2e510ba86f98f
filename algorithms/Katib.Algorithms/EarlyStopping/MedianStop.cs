using System.Collections.Immutable;

namespace Katib.Algorithms.EarlyStopping;

/// <summary>Gives up a trial whose best value so far is worse than the median of what others had on average at the same step.</summary>
/// <remarks>
/// The median stopping rule of Vizier (Golovin et al. 2017, section 3.2.2) in Katib's form: one threshold, at one step. Katib's
/// own service takes the mean of the averages where it says median; this is the median.
/// </remarks>
public sealed class MedianStop : IStoppingRule
{
    /// <inheritdoc/>
    public ImmutableArray<SettingDeclaration> Settings { get; } =
    [
        new("min_trials_required", "whole number, 1 or more", "3", "how many trials must have succeeded before any is given up"),
        new("start_step", "whole number, 1 or more", "4", "after how many reports a trial is judged; that many of the others' count"),
    ];

    /// <inheritdoc/>
    public bool Counts(TrialStatus status) => status is TrialStatus.Succeeded;

    /// <inheritdoc/>
    public IStoppingPlan Plan(AlgorithmSettings settings, bool maximize)
    {
        var reader = settings.Read(Settings);
        var required = reader.WholeNumber("min_trials_required", 1, int.MaxValue, "min_trials_required must be greater than zero (>0)");
        var start = reader.WholeNumber("start_step", 1, int.MaxValue, "start_step must be greater or equal than one (>=1)");
        reader.ThrowIfInvalid();
        return new Planned((int)(required ?? 3), (int)(start ?? 4));
    }

    private sealed record Planned(int Required, int StartStep) : IStoppingPlan
    {
        /// <summary>The average of the first reports; none where there is not one number among them.</summary>
        public ImmutableArray<double> Summarize(IEnumerable<double> reports)
        {
            double[] first = [.. reports.Take(StartStep).Where(static r => !double.IsNaN(r))];

            // Divided before it is added, for the sum of large numbers may be too large.
            var average = first.Sum(r => r / first.Length);
            return first.Length is 0 || double.IsNaN(average) ? [] : [average];
        }

        public ImmutableArray<StoppingThreshold> Decide(IEnumerable<ImmutableArray<double>> summaries)
        {
            double[] averages = [.. summaries.SelectMany(static s => s).Order()];
            if (averages.Length < Required)
            {
                return [];
            }

            var (low, high) = (averages[(averages.Length - 1) / 2], averages[averages.Length / 2]);
            var median = low.Equals(high) ? low : (low / 2) + (high / 2);
            return double.IsNaN(median) ? [] : [new(median, StartStep)];
        }
    }
}
