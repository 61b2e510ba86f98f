using System.Net;
using Docker.DotNet;

namespace Katib.Coordinator.Runners.Docker;

/// <summary>Leaves nothing of trials on the daemon.</summary>
internal static class ContainerRemoval
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Ends and removes all containers and volumes with these labels; returns when none is left.</summary>
    /// <param name="docker">The daemon.</param>
    /// <param name="labels">What marks them.</param>
    /// <param name="grace">How long what runs may take to end itself.</param>
    /// <param name="cancellationToken">Leaves what is left.</param>
    public static async Task RemoveAsync(
        DockerClient docker, Dictionary<string, string> labels, TimeSpan grace, CancellationToken cancellationToken)
    {
        var filter = ContainerLabels.Filter(labels);
        while (await docker.Containers.ListContainersAsync(
            new() { All = true, Filters = filter }, cancellationToken) is { Count: > 0 } containers)
        {
            await Parallel.ForEachAsync(
                containers,
                cancellationToken,
                async (container, token) =>
                {
                    if (container.State is "running" or "paused")
                    {
                        _ = await TryAsync(() => docker.Containers.StopContainerAsync(
                            container.ID, new() { WaitBeforeKillSeconds = (uint)grace.TotalSeconds }, token));
                    }

                    if (!await TryAsync(() => docker.Containers.RemoveContainerAsync(
                        container.ID, new() { Force = true, RemoveVolumes = true }, token)))
                    {
                        await Task.Delay(Pause, token);
                    }
                });
        }

        // A volume that a container of somebody else uses is left to that.
        foreach (var volume in (await docker.Volumes.ListAsync(new() { Filters = filter }, cancellationToken)).Volumes ?? [])
        {
            _ = await TryAsync(() => docker.Volumes.RemoveAsync(volume.Name, force: false, cancellationToken));
        }
    }

    /// <summary>False when it could not be done, because it is gone or somebody is about to do it.</summary>
    private static async Task<bool> TryAsync(Func<Task> call)
    {
        try
        {
            await call();
            return true;
        }
        catch (DockerApiException refused) when (refused.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Conflict)
        {
            return false;
        }
    }
}
