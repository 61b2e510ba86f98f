using System.Collections.Immutable;
using Wire = Api.V1.Beta1;

namespace Katib.Driver;

/// <summary>One experiment under the driver: the controller's state and its rounds.</summary>
internal sealed class ControllerRun
{
    private const string NameAlphabet = "bcdfghjklmnpqrstvwxz2456789";
    private const int MaxNameLength = 63;

    private readonly ControllerDriver _driver;
    private readonly Wire.ExperimentSpec _spec;
    private readonly Dice _dice;
    private readonly SuggestionCalls _calls;
    private readonly List<DrivenTrial> _trials = [];
    private readonly List<string> _duplicates = [];
    private readonly SortedDictionary<string, string> _echo = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, int> _happened = new(StringComparer.Ordinal);
    private DateTimeOffset _now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private int _budget;
    private int _parallelism;

    public ControllerRun(ControllerDriver driver, IReadOnlyList<IReplica> replicas)
    {
        _driver = driver;
        _spec = driver.Experiment.Spec;
        if (_spec is not { MaxTrialCount: > 0, ParallelTrialCount: > 0 })
        {
            throw new ArgumentException(
                "The experiment needs a maxTrialCount and a parallelTrialCount above 0.", nameof(driver));
        }

        _dice = new(driver.Seed);
        _calls = new(driver.Faults, replicas, _dice, Happened, driver.Answered);
        _budget = driver.Faults.BudgetRaised > 0 ? (_spec.MaxTrialCount + 1) / 2 : _spec.MaxTrialCount;
        _parallelism = _spec.ParallelTrialCount;
    }

    /// <summary>A trial needs some four rounds; deletions and refusals cost more of them.</summary>
    private int MaxRounds => 1000 + (20 * _spec.MaxTrialCount);

    public async Task<DriverReport> RunAsync(CancellationToken cancellationToken)
    {
        await _calls.ValidateAsync(Experiment(withEcho: false), cancellationToken);
        for (var round = 0; round < MaxRounds; round++)
        {
            _now += TimeSpan.FromSeconds(1 + _dice.Below(20));
            _trials.ForEach(t => t.Advance(_dice, _now, _driver.Faults, _driver.Objective));
            ChangeBudget();
            if (_trials.Count(static t => !t.IsActive) >= _budget)
            {
                return Report(succeeded: true);
            }

            ChangeParallelism();
            await SyncAsync(Requests() - _trials.Count, cancellationToken);
        }

        return Report(succeeded: false);
    }

    /// <summary>The user raises maxTrialCount: now and then, and at the latest when the experiment has ended.</summary>
    private void ChangeBudget()
    {
        var missing = _spec.MaxTrialCount - _budget;
        var hasEnded = _trials.Count(static t => !t.IsActive) >= _budget;
        if (missing > 0 && (_dice.Chance(_driver.Faults.BudgetRaised) || hasEnded))
        {
            Happened(nameof(Faults.BudgetRaised));
            _budget += hasEnded ? missing : 1 + _dice.Below(missing);
        }
    }

    private void ChangeParallelism()
    {
        if (_parallelism < _spec.ParallelTrialCount)
        {
            _parallelism = _dice.Chance(0.5) ? _spec.ParallelTrialCount : _parallelism;
        }
        else if (_dice.Chance(_driver.Faults.ParallelismDropped))
        {
            Happened(nameof(Faults.ParallelismDropped));
            _parallelism = 1 + _dice.Below(_spec.ParallelTrialCount);
        }
    }

    /// <summary>The requests of the Suggestion, by the controller's own arithmetic.</summary>
    /// <remarks>When more trials are active than may be, it deletes the newest.</remarks>
    private int Requests()
    {
        var active = _trials.Count(static t => t.IsActive);
        if (active > _parallelism)
        {
            // The newest, whatever their state.
            _trials.RemoveRange(_trials.Count - (active - _parallelism), active - _parallelism);
            return _trials.Count;
        }

        // The controller forgets trials without metrics here, and so makes more trials than the budget has.
        var done = _trials.Count(static t => !t.IsActive && t.Status is not TrialStatus.MetricsUnavailable);
        var add = Math.Min(_parallelism, _budget - done) - active;
        return add > 0 ? _trials.Count + add - _trials.Count(static t => t.IsStoppedWithoutMetric) : 0;
    }

    private async Task SyncAsync(int current, CancellationToken cancellationToken)
    {
        if (current <= 0)
        {
            return;
        }

        var request = new Wire.GetSuggestionsRequest
        {
            Experiment = Experiment(withEcho: true),
            CurrentRequestNumber = current,
            TotalRequestNumber = _trials.Count + current,
        };
        var visible = _trials.Where(static t => !t.IsHidden).Select(t => t.ToWire(_spec.Objective, _dice));
        request.Trials.Add(_dice.Shuffle(visible.Concat(Leaked())));
        if (await _calls.AskAsync(request, cancellationToken) is not { } reply)
        {
            return;
        }

        if (reply.ParameterAssignments.Count != current)
        {
            _calls.Problems.Add(
                $"The response contains unexpected trials: {reply.ParameterAssignments.Count} instead of {current}.");
            return;
        }

        foreach (var setting in reply.Algorithm?.AlgorithmSettings ?? [])
        {
            _echo[setting.Name] = setting.Value;
        }

        foreach (var suggested in reply.ParameterAssignments)
        {
            Accept(suggested);
        }
    }

    private void Accept(Wire.GetSuggestionsReply.Types.ParameterAssignments suggested)
    {
        var expected = _spec.ParameterSpecs.Parameters.Select(static p => p.Name).Order(StringComparer.Ordinal);
        if (!suggested.Assignments.Select(static a => a.Name).Order(StringComparer.Ordinal).SequenceEqual(expected))
        {
            _calls.Problems.Add($"An assignment has not the parameters of the experiment: {suggested}");
        }

        var name = suggested.TrialName.Length > 0 ? suggested.TrialName : NewName();
        if (name.Length > MaxNameLength || _trials.Exists(t => t.Name == name))
        {
            _calls.Problems.Add($"No trial can be created under the name '{name}'.");
        }

        var trial = new DrivenTrial(
            name, [.. suggested.Assignments.Select(static a => new Assignment(a.Name, a.Value))]);
        var text = trial.ToString();
        if (_trials.Exists(t => t.ToString() == text))
        {
            _duplicates.Add(text);
        }

        _trials.Add(trial);
    }

    private Wire.Experiment Experiment(bool withEcho)
    {
        var experiment = _driver.Experiment.Clone();
        experiment.Spec.MaxTrialCount = _budget;
        experiment.Spec.ParallelTrialCount = _parallelism;
        foreach (var (name, value) in withEcho ? _echo : [])
        {
            var settings = experiment.Spec.Algorithm.AlgorithmSettings;
            if (settings.FirstOrDefault(s => s.Name == name) is { } known)
            {
                known.Value = value;
            }
            else
            {
                settings.Add(new Wire.AlgorithmSetting { Name = name, Value = value });
            }
        }

        return experiment;
    }

    private ImmutableArray<Wire.Trial> Leaked()
    {
        if (_driver.Namesakes.IsEmpty || !_dice.Chance(_driver.Faults.NamesakeLeaked))
        {
            return [];
        }

        Happened(nameof(Faults.NamesakeLeaked));
        return _driver.Namesakes;
    }

    private string NewName()
    {
        var letters = Enumerable.Range(0, 8).Select(_ => NameAlphabet[_dice.Below(NameAlphabet.Length)]);
        return $"{_driver.Experiment.Name}-{string.Concat(letters)}";
    }

    private void Happened(string fault) => _happened[fault] = _happened.GetValueOrDefault(fault) + 1;

    private DriverReport Report(bool succeeded) => new()
    {
        Succeeded = succeeded,
        Trials = [.. _trials],
        Problems = [.. _calls.Problems],
        Duplicates = [.. _duplicates],
        Refusals = [.. _calls.Refusals],
        Happened = _happened.ToImmutableSortedDictionary(StringComparer.Ordinal),
    };
}
