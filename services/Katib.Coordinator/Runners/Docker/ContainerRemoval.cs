using Docker.DotNet;
using Docker.DotNet.Models;

namespace Katib.Coordinator.Runners.Docker;

/// <summary>Leaves nothing of trials on the daemon.</summary>
internal static class ContainerRemoval
{
    /// <summary>What Docker has not removed after so many rounds, it will not.</summary>
    private const int MaxRounds = 100;

    /// <summary>Stopping is waiting, not work.</summary>
    private const int AtOnce = 16;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>Ends and removes all containers and volumes with these labels; returns when none is left.</summary>
    /// <param name="docker">The daemon.</param>
    /// <param name="labels">What marks them.</param>
    /// <param name="sparesKept">Leaves containers that are to be kept when they have ended, and have; and their volumes.</param>
    /// <param name="grace">How long what runs may take to end itself.</param>
    /// <param name="cancellationToken">Leaves what is left.</param>
    public static async Task RemoveAsync(
        DockerClient docker,
        Dictionary<string, string> labels,
        bool sparesKept,
        TimeSpan grace,
        CancellationToken cancellationToken)
    {
        var filter = ContainerLabels.Filter(labels);
        for (var round = 1; await ListAsync() is { Length: > 0 } containers; round++)
        {
            var isLast = round is MaxRounds;
            await Parallel.ForEachAsync(
                containers,
                new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken },
                async (container, token) =>
                {
                    if (container.State is "running" or "paused")
                    {
                        _ = await TryAsync(isLast, () => docker.Containers.StopContainerAsync(
                            container.ID, new() { WaitBeforeKillSeconds = (uint)grace.TotalSeconds }, token));
                    }

                    if (!await TryAsync(isLast, () => docker.Containers.RemoveContainerAsync(
                        container.ID, new() { Force = true, RemoveVolumes = true }, token)))
                    {
                        await Task.Delay(Pause, token);
                    }
                });
        }

        // A volume that another container uses is left to that.
        foreach (var volume in (await docker.Volumes.ListAsync(new() { Filters = filter }, cancellationToken)).Volumes ?? [])
        {
            _ = await TryAsync(isLast: false, () => docker.Volumes.RemoveAsync(volume.Name, force: false, cancellationToken));
        }

        async Task<ContainerListResponse[]> ListAsync()
        {
            var all = await docker.Containers.ListContainersAsync(new() { All = true, Filters = filter }, cancellationToken);
            return [.. all.Where(c => !sparesKept || c.State is not "exited" || !ContainerLabels.IsKept(c.Labels))];
        }
    }

    /// <summary>False when it could not be done now: it is gone, somebody is about to do it, or it is in use.</summary>
    private static async Task<bool> TryAsync(bool isLast, Func<Task> call)
    {
        try
        {
            await call();
            return true;
        }
        catch (DockerApiException) when (!isLast)
        {
            return false;
        }
    }
}
