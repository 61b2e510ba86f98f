using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Host;
using Katib.Coordinator.Manifests;

namespace Katib.Coordinator.Api;

/// <summary>One experiment's news on an open response, one JSON object a line, in the words of a Kubernetes watch.</summary>
/// <remarks>
/// It begins with all there is. Each look compares immutable values by reference, so that news which come in bursts are
/// told once, and the loop need not know who watches.
/// </remarks>
internal sealed class ExperimentWatch(HttpResponse response, TimeProvider time)
{
    /// <summary>A line comes at least so often, so that a reader can tell silence from a lost connection.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(250);

    private ExperimentLook? _told;
    private long _toldAt;

    /// <summary>Tells until the experiment has ended, is gone, or is not worked on here.</summary>
    public async Task FollowAsync(Func<Task<ExperimentLook?>> lookAsync, CancellationToken cancellationToken)
    {
        response.ContentType = "application/json;stream=watch";
        while (await lookAsync() is { } now)
        {
            Tell(now);
            if (!now.IsWorkedOn)
            {
                if (now.State.Outcome is null)
                {
                    Write("ERROR", new() { ["kind"] = "Status", ["message"] = now.Note });
                }

                return;
            }

            await response.BodyWriter.FlushAsync(cancellationToken);
            await Task.Delay(Period, time, cancellationToken);
            if (time.GetElapsedTime(_toldAt) > Silence)
            {
                Write("BOOKMARK", []);
            }
        }

        Write("DELETED", _told is null ? [] : StatusJson.OfExperimentAlone(_told.Spec.Manifest, _told.State));
    }

    private void Tell(ExperimentLook now)
    {
        if (_told is null)
        {
            Write("ADDED", StatusJson.OfExperiment(now.Spec, now.State, now.Note));
            _told = now;
            return;
        }

        // Trials first: whoever reads that the experiment has ended knows all of them by then.
        var old = _told.State.Trials;
        for (var i = 0; i < now.State.Trials.Length; i++)
        {
            var trial = now.State.Trials[i];
            if (i >= old.Length || !HasSameNews(old[i], trial))
            {
                Write(i < old.Length ? "MODIFIED" : "ADDED", StatusJson.OfTrial(now.Spec, now.State, trial));
            }
        }

        if (_told.Note != now.Note || Budgets(_told.Spec) != Budgets(now.Spec) || !_told.State.Conditions.SequenceEqual(now.State.Conditions))
        {
            Write("MODIFIED", SubmitApi.WithNote(StatusJson.OfExperimentAlone(now.Spec.Manifest, now.State), now.Note));
        }

        _told = now;
    }

    /// <summary>States that are read from the store are equal, not the same; a loop's are mostly the same.</summary>
    private static bool HasSameNews(TrialState old, TrialState now) =>
        ReferenceEquals(old, now)
        || (old.Status == now.Status && old.Attempt == now.Attempt && old.Message == now.Message
            && old.ReportedAt == now.ReportedAt && old.Observation.Equals(now.Observation));

    /// <summary>What of an experiment may change while it is watched.</summary>
    private static (int Parallel, int? Max, int? MaxFailed) Budgets(ExperimentSpec spec) =>
        (spec.ParallelTrialCount, spec.MaxTrialCount, spec.MaxFailedTrialCount);

    private void Write(string type, JsonObject news)
    {
        _toldAt = time.GetTimestamp();
        using (var json = new Utf8JsonWriter(response.BodyWriter))
        {
            new JsonObject { ["type"] = type, ["object"] = news }.WriteTo(json);
        }

        response.BodyWriter.Write("\n"u8);
    }
}
