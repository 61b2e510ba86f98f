using System.Collections.Immutable;
using Katib.Algorithms.Random;
using Katib.Algorithms.Sequences;

namespace Katib.Algorithms.Bayesian;

/// <summary>Bayesian optimisation: a Gaussian process of the loss, asked where an improvement is most to be expected.</summary>
/// <remarks>
/// J. Snoek, H. Larochelle and R. Adams, "Practical Bayesian optimization of machine learning algorithms", NIPS 2012.
/// Settings: Katib's, of which <c>acq_optimizer</c> and <c>base_estimator</c> are without effect, and
/// <c>allow_duplicates</c>. Unlike Katib's, it sees trials that run or failed, steps and distributions.
/// </remarks>
public sealed class BayesianOptimization : ISearchAlgorithm
{
    /// <summary>Fewer results tell nothing about lengths.</summary>
    private const int MinResults = 4;

    /// <summary>So many points that are not known at all are imagined to be where the model would look first.</summary>
    private const int MaxPhantoms = 8;

    private readonly FitCache _fits = new();

    /// <inheritdoc/>
    public ImmutableArray<SettingDeclaration> Settings => BayesianSettings.Declared;

    /// <inheritdoc/>
    public Reply Suggest(Study study, int count, CancellationToken cancellationToken)
    {
        var settings = BayesianSettings.Read(study.Settings);
        if (count is 0)
        {
            return new([]);
        }

        var ledger = Ledger.Read(study, settings.Ledger);
        var history = History.Of(study, ledger.Points);
        var key = Philox.KeyOf(study, settings.RandomState);
        var picks = new List<Point>(count);
        var fallbacks = ImmutableArray<string>.Empty;
        var initial = Math.Max(1, settings.InitialPoints);
        var isModelled = history.Results.Length >= Math.Min(MinResults, initial);
        var spread = isModelled ? Math.Clamp(initial - study.Issued, 0, count) : count;
        if (isModelled && spread < count)
        {
            var model = new Model(study, settings, history, key, _fits, cancellationToken);
            if (history.Taken.Count >= study.Space.Size)
            {
                picks.AddRange(model.Repeat(count));
            }
            else
            {
                picks.AddRange(Spread(study, picks, key, spread, cancellationToken));
                var hidden = study.Issued - study.Trials.Length - ledger.Points.Length;
                picks.AddRange(model.Pick(picks, count - picks.Count, Math.Clamp(hidden, 0, MaxPhantoms)));
            }

            fallbacks = [.. model.Fallbacks];
        }

        if (picks.Count < count && (picks.Count is 0 || history.Taken.Count + picks.Count < study.Space.Size))
        {
            picks.AddRange(Spread(study, picks, key, count - picks.Count, cancellationToken));
        }

        var reply = Enumerable.Range(0, count).Select(i => picks[i % picks.Count]).ToArray();
        return new([.. reply.Select(p => new Suggestion(study.Space.Format(p)))])
        {
            Echo = [.. ledger.After(study, reply), .. settings.Effective],
            Warnings = settings.Warnings,
            Fallbacks = fallbacks,
        };
    }

    /// <summary>The next points of a sequence that fills the space evenly, after those that are picked already.</summary>
    private static ImmutableArray<Point> Spread(
        Study study, List<Point> picks, ulong key, int count, CancellationToken cancellationToken)
    {
        if (count is 0)
        {
            return [];
        }

        var sequence = new DistinctDraws(study.Space, key, SpaceFilling.Draws(study.Space, key), cancellationToken);
        var later = study with
        {
            Trials = [.. study.Trials, .. picks.Select(static p => new Trial("", p, TrialStatus.Created, null))],
            Issued = study.Issued + picks.Count,
        };
        return SequenceRule.NextPoints(later, study.Space, sequence, count, cancellationToken);
    }
}
