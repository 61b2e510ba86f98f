namespace Katib.Hosting;

/// <summary>Shares permits out; what does not fit waits, and experiments take turns.</summary>
/// <remarks>
/// Whoever floods waits behind its own requests only. When as many wait as may, the newest request of the experiment with
/// most of them gives way: the flood is refused, and nobody else. A large request at its turn is not overtaken.
/// </remarks>
internal sealed class FairQueue(int permits, int maxWaiting)
{
    private readonly Lock _lock = new();

    /// <summary>The requests that wait, by experiment; the first line has the next turn.</summary>
    private readonly LinkedList<Line> _lines = [];

    private int _free = permits;
    private int _waiting;

    /// <summary>How many wait now.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>Waits for permits; disposing the lease gives them back.</summary>
    /// <returns>Null when too many wait already.</returns>
    public async ValueTask<IDisposable?> EnterAsync(string experiment, int weight, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var waiter = Join(experiment, weight);
        if (!waiter.Entered.Task.IsCompleted)
        {
            await using var registration = cancellationToken.UnsafeRegister((_, token) => GiveUp(waiter, token), null);
            _ = await waiter.Entered.Task;
        }

        return await waiter.Entered.Task ? new Lease(this, weight) : null;
    }

    /// <summary>Lets the request in or sends it away at once, or puts it in its line.</summary>
    private Waiter Join(string experiment, int weight)
    {
        lock (_lock)
        {
            var line = _lines.FirstOrDefault(l => l.Experiment == experiment) ?? new Line(experiment);
            var waiter = new Waiter(line, weight);
            if (_waiting is 0 && weight <= _free)
            {
                LetIn(waiter);
            }
            else if (_waiting == maxWaiting && !TryMakeRoom(experiment))
            {
                waiter.Entered.SetResult(false);
            }
            else
            {
                if (line.Waiters.Count is 0)
                {
                    _ = _lines.AddLast(line);
                }

                _ = line.Waiters.AddLast(waiter);
                _waiting++;
            }

            return waiter;
        }
    }

    /// <summary>Sends the newest of the longest line away, unless that is the caller's own.</summary>
    private bool TryMakeRoom(string experiment)
    {
        var longest = _lines.MaxBy(static l => l.Waiters.Count);
        if (longest is null || longest.Experiment == experiment || longest.Waiters.Count < 2)
        {
            return false;
        }

        var last = longest.Waiters.Last!.Value;
        Remove(last);
        last.Entered.SetResult(false);
        return true;
    }

    private void GiveUp(Waiter waiter, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            // It may have been let in, or sent away, in this very moment.
            if (waiter.Entered.TrySetCanceled(cancellationToken))
            {
                Remove(waiter);
                Share();
            }
        }
    }

    private void LetIn(Waiter waiter)
    {
        _free -= waiter.Weight;
        waiter.Entered.SetResult(true);
    }

    private void Release(int weight)
    {
        lock (_lock)
        {
            _free += weight;
            Share();
        }
    }

    /// <summary>Lets in, turn by turn, as long as the next one fits.</summary>
    private void Share()
    {
        while (_lines.First?.Value is { } line && line.Waiters.First!.Value is var next && next.Weight <= _free)
        {
            Remove(next);
            if (line.Waiters.Count > 0)
            {
                _lines.RemoveFirst();
                _ = _lines.AddLast(line);
            }

            LetIn(next);
        }
    }

    private void Remove(Waiter waiter)
    {
        _ = waiter.Line.Waiters.Remove(waiter);
        _waiting--;
        if (waiter.Line.Waiters.Count is 0)
        {
            _ = _lines.Remove(waiter.Line);
        }
    }

    private sealed class Line(string experiment)
    {
        public string Experiment => experiment;

        public LinkedList<Waiter> Waiters { get; } = [];
    }

    private sealed class Waiter(Line line, int weight)
    {
        public Line Line => line;

        public int Weight => weight;

        public TaskCompletionSource<bool> Entered { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private sealed class Lease(FairQueue queue, int weight) : IDisposable
    {
        private int _isReturned;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isReturned, 1) is 0)
            {
                queue.Release(weight);
            }
        }
    }
}
