using System.Collections.Immutable;
using Katib.Algorithms.Sequences;

namespace Katib.Algorithms.Random;

/// <summary>Random search: independent draws from the parameters' distributions, none of them twice.</summary>
/// <remarks>
/// J. Bergstra and Y. Bengio, "Random search for hyper-parameter optimization", JMLR 13 (2012). Settings: Katib's
/// <c>random_state</c>, and <c>allow_duplicates</c>, which is accepted by every algorithm: a used-up space starts over
/// anyway, and the coordinator then keeps what repeats.
/// </remarks>
public sealed class RandomSearch : ISearchAlgorithm
{
    /// <inheritdoc/>
    public ImmutableArray<SettingDeclaration> Settings { get; } =
        [SettingDeclaration.RandomState, SettingDeclaration.AllowDuplicates];

    /// <inheritdoc/>
    public Reply Suggest(Study study, int count, CancellationToken cancellationToken)
    {
        var settings = study.Settings.Read(Settings);
        var randomState = settings.RandomState();
        _ = settings.Flag("allow_duplicates");
        settings.ThrowIfInvalid();

        var draws = new DistinctDraws(study.Space, Philox.KeyOf(study, randomState), cancellationToken);
        return new(count is 0 ? [] : SequenceRule.Next(study, study.Space, draws, count, cancellationToken));
    }
}
