using System.Collections.Immutable;

namespace Katib;

/// <summary>A search algorithm: a pure function from what is known to what is to be tried next.</summary>
/// <remarks>
/// The same study and count give the same suggestions, for ever and on every replica, whatever the order of the trials.
/// An instance holds no state but what saves time and changes nothing, and may be called from any thread.
/// </remarks>
public interface ISearchAlgorithm
{
    /// <summary>The settings that it understands; every other is refused.</summary>
    ImmutableArray<SettingDeclaration> Settings { get; }

    /// <summary>
    /// Suggests exactly <paramref name="count"/> points, none of which repeats a trial or another suggestion while the
    /// space has unseen points. A count of zero only validates.
    /// </summary>
    /// <exception cref="InvalidStudyException">The study is wrong; all problems are named.</exception>
    /// <exception cref="SpaceUsedUpException">The algorithm has suggested every point and repeats none.</exception>
    Reply Suggest(Study study, int count, CancellationToken cancellationToken);
}
