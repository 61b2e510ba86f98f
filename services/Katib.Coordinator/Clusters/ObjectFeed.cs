using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;

namespace Katib.Coordinator.Clusters;

/// <summary>The objects of a list as they are now, kept so by a watch.</summary>
/// <remarks>
/// Level-based: whoever hears of a change looks at what there is, not at what has happened. A watch that ends is begun again
/// where it ended; one that has fallen behind (410 Gone) begins with the list anew, and so does one after a failure.
/// </remarks>
internal sealed class ObjectFeed : IAsyncDisposable
{
    private const int PageSize = 500;

    private readonly ClusterApi _api;
    private readonly string _path;
    private readonly string _selector;
    private readonly Action<JsonObject> _changed;
    private readonly ConcurrentDictionary<string, JsonObject> _objects = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource _listed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _end = new();
    private readonly Task _following;

    /// <summary>Begins to follow.</summary>
    /// <param name="api">The cluster.</param>
    /// <param name="path">The list's path.</param>
    /// <param name="selector">Which of its objects, as a query: <c>labelSelector=…</c>.</param>
    /// <param name="changed">Hears of each object that came, changed or went; called from one thread at a time.</param>
    public ObjectFeed(ClusterApi api, string path, string selector, Action<JsonObject> changed)
    {
        (_api, _path, _selector, _changed) = (api, path, selector, changed);
        _following = Task.Run(FollowAsync);
    }

    /// <summary>Completes with the first whole list.</summary>
    /// <exception cref="ClusterRefusalException">The server refuses the list.</exception>
    public Task ListedAsync(CancellationToken cancellationToken) => _listed.Task.WaitAsync(cancellationToken);

    /// <summary>The object of that name as it was seen last; null when there is none.</summary>
    public JsonObject? Find(string name) => _objects.GetValueOrDefault(name);

    /// <summary>All of them.</summary>
    public ICollection<JsonObject> All => _objects.Values;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _following.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _ = _listed.TrySetCanceled();
        _end.Dispose();
    }

    private async Task FollowAsync()
    {
        string? version = null;
        while (true)
        {
            try
            {
                version ??= await ListAsync(_end.Token);
                _ = _listed.TrySetResult();
                version = await WatchAsync(version, _end.Token);
            }
            catch (OperationCanceledException) when (_end.IsCancellationRequested)
            {
                return;
            }
            catch (ClusterRefusalException old) when (old.Status is HttpStatusCode.Gone)
            {
                version = null;
            }
            catch (Exception failure) when (failure is ClusterRefusalException || ClusterApi.IsAway(failure, _end.Token))
            {
                if (!ClusterApi.IsAway(failure, _end.Token))
                {
                    // A right that is missing may be given later.
                    _ = _listed.TrySetException(failure);
                }

                version = null;
                await _api.WaitAsync(failure, _end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>Takes in the whole list, page by page; what it does not hold any more is gone.</summary>
    private async Task<string> ListAsync(CancellationToken cancellationToken)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var next = ""; ;)
        {
            var page = await _api.GetAsync($"{_path}?{_selector}&limit={PageSize}{next}", cancellationToken);
            _api.IsThere();
            foreach (var item in page["items"]?.AsArray() ?? [])
            {
                if (item is JsonObject found)
                {
                    _ = seen.Add(found.Name());
                    Put(found);
                }
            }

            if ((string?)page["metadata"]?["continue"] is not { Length: > 0 } more)
            {
                foreach (var gone in _objects.Keys.Where(name => !seen.Contains(name)))
                {
                    Remove(gone);
                }

                return (string?)page["metadata"]?["resourceVersion"] ?? "";
            }

            next = $"&continue={Uri.EscapeDataString(more)}";
        }
    }

    /// <summary>Takes in what changes; returns the version from which to go on, null to list anew.</summary>
    private async Task<string?> WatchAsync(string version, CancellationToken cancellationToken)
    {
        var path = $"{_path}?{_selector}&watch=true&allowWatchBookmarks=true&timeoutSeconds=300&resourceVersion={Uri.EscapeDataString(version)}";
        await foreach (var change in _api.WatchAsync(path, cancellationToken))
        {
            if (change["object"] is not JsonObject subject)
            {
                return null;
            }

            switch ((string?)change["type"])
            {
                case "ADDED" or "MODIFIED":
                    Put(subject);
                    break;
                case "DELETED":
                    Remove(subject.Name());
                    break;
                case "BOOKMARK":
                    break;
                default:
                    // An error, which is most often that the version is too old.
                    return null;
            }

            version = (string?)subject["metadata"]?["resourceVersion"] ?? version;
        }

        return version;
    }

    private void Put(JsonObject found)
    {
        _objects[found.Name()] = found;
        _changed(found);
    }

    private void Remove(string name)
    {
        if (_objects.TryRemove(name, out var gone))
        {
            _changed(gone);
        }
    }
}
