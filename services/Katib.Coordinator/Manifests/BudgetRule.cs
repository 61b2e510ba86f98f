using System.Globalization;
using Katib.Coordinator.Experiments;

namespace Katib.Coordinator.Manifests;

/// <summary>Katib's rule of when the budgets of an experiment may change, and when that makes a finished one go on.</summary>
public static class BudgetRule
{
    private static readonly string[] OfBudgets = [Outcome.MaxTrialsReached.Reason, Outcome.MaxDurationReached.Reason];

    /// <summary>Why the change is refused, as a sentence with its remedy; null when it is allowed.</summary>
    /// <param name="endReason">The reason of the condition that the experiment ended with; null while it has not ended.</param>
    /// <param name="policy">Its resume policy, which cannot change.</param>
    /// <param name="trials">How many trials it has, in whatever state.</param>
    /// <param name="maxTrialCount">The new limit; null for none.</param>
    public static string? Refusal(string? endReason, ResumePolicy policy, int trials, int? maxTrialCount)
    {
        if (endReason is not null && !OfBudgets.Contains(endReason))
        {
            return $"The experiment has ended with {endReason}; only one that ended with {string.Join(" or ", OfBudgets)} goes on. "
                + "Start a new one under another name.";
        }

        if (endReason is not null && policy is ResumePolicy.Never)
        {
            return "The experiment has ended and its resumePolicy is Never. Start a new one under another name, "
                + "with resumePolicy LongRunning if it is to go on one day.";
        }

        return maxTrialCount <= trials
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"maxTrialCount {maxTrialCount} is not above the {trials} trials that exist already. Set it to {trials + 1} or more.")
            : null;
    }
}
