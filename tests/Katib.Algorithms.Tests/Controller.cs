namespace Katib.Algorithms.Tests;

/// <summary>Plays Katib's controller: asks in batches, takes up what comes, shows it as trials.</summary>
internal sealed class Controller(ISearchAlgorithm algorithm, Study study)
{
    private readonly List<Suggestion> _issued = [];

    /// <summary>What was suggested so far, in its order.</summary>
    public IReadOnlyList<Suggestion> Issued => _issued;

    /// <summary>Which of the trials the next request shows; all by default.</summary>
    public Func<int, bool> Shows { get; set; } = static _ => true;

    /// <summary>Trials that the request shows besides: a namesake's.</summary>
    public IReadOnlyList<Trial> Leaked { get; set; } = [];

    /// <summary>How the trials are ordered in the request; as they were issued by default.</summary>
    public Func<IEnumerable<Trial>, IEnumerable<Trial>> Order { get; set; } = static t => t;

    /// <summary>The request that would be sent now.</summary>
    public Study Request => study with
    {
        Issued = _issued.Count,
        Trials = [.. Order(_issued
            .Select((s, i) => (Suggestion: s, Index: i))
            .Where(s => Shows(s.Index))
            .Select(s => Given.Trial(study.Space, s.Suggestion, (TrialStatus)(s.Index % 8), s.Index))
            .Concat(Leaked))],
    };

    /// <summary>Asks for so many points and takes them up.</summary>
    public IReadOnlyList<Suggestion> Take(int count)
    {
        var reply = algorithm.Ask(Request, count);
        Assert.Equal(count, reply.Length);
        _issued.AddRange(reply);
        return reply;
    }

    /// <summary>Asks again and again.</summary>
    public Controller Take(int batch, int times)
    {
        for (var i = 0; i < times; i++)
        {
            _ = Take(batch);
        }

        return this;
    }

    /// <summary>Forgets the newest, as Katib's controller does when parallelism drops.</summary>
    public void DeleteNewest(int count) => _issued.RemoveRange(_issued.Count - count, count);
}
