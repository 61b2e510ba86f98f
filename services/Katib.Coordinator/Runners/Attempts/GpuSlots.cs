using System.Collections.Immutable;
using Katib.Coordinator.Experiments;

namespace Katib.Coordinator.Runners.Attempts;

/// <summary>Who has which device: each goes to one trial at a time, in the order in which the trials asked.</summary>
internal sealed class GpuSlots(ImmutableArray<string> devices)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, string> _holders = [];
    private readonly LinkedList<Waiter> _waiters = [];

    public bool Exist => !devices.IsEmpty;

    /// <summary>Notes that a trial that an earlier coordinator has started has the device.</summary>
    public void Reserve(string trial, string device)
    {
        lock (_gate)
        {
            if (devices.Contains(device))
            {
                _ = _holders.TryAdd(device, trial);
            }
        }
    }

    /// <summary>A device for the trial, the one it has already if there is one; waits while all are taken, and says so.</summary>
    public async Task<string> AcquireAsync(string trial, TrialNote note, CancellationToken cancellationToken)
    {
        var acquiring = AcquireAsync(trial, cancellationToken);
        if (!acquiring.IsCompleted)
        {
            var all = string.Join(", ", devices) + (devices.Length is 1 ? " is" : " are");
            await note(TrialReasons.WaitingForGpu, $"It waits for a device: {all} taken.");
        }

        return await acquiring;
    }

    private async Task<string> AcquireAsync(string trial, CancellationToken cancellationToken)
    {
        Waiter waiter;
        lock (_gate)
        {
            if (_holders.FirstOrDefault(pair => pair.Value == trial).Key is { } held)
            {
                return held;
            }

            if (devices.FirstOrDefault(device => !_holders.ContainsKey(device)) is { } free)
            {
                _holders[free] = trial;
                return free;
            }

            waiter = new(trial, new(TaskCreationOptions.RunContinuationsAsynchronously));
            _ = _waiters.AddLast(waiter);
        }

        try
        {
            return await waiter.Device.Task.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            lock (_gate)
            {
                _ = _waiters.Remove(waiter);
            }

            Release(trial);
            throw;
        }
    }

    /// <summary>Gives back what the trial has, to the one that has waited longest.</summary>
    public void Release(string trial)
    {
        lock (_gate)
        {
            foreach (var device in _holders.Where(pair => pair.Value == trial).Select(pair => pair.Key).ToArray())
            {
                _ = _holders.Remove(device);
                if (_waiters.First is { Value: var next })
                {
                    _waiters.RemoveFirst();
                    _holders[device] = next.Trial;
                    _ = next.Device.TrySetResult(device);
                }
            }
        }
    }

    /// <summary>Gives back all of them, when no trial is left.</summary>
    public void ReleaseAll()
    {
        lock (_gate)
        {
            _holders.Clear();
        }
    }

    private sealed record Waiter(string Trial, TaskCompletionSource<string> Device);
}
