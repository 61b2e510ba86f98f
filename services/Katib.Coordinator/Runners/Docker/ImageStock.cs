using System.Collections.Concurrent;
using System.Net;
using Docker.DotNet;
using Docker.DotNet.Models;

namespace Katib.Coordinator.Runners.Docker;

/// <summary>The image cannot be had; the message says why and what to do.</summary>
internal sealed class ImageMissingException(string message) : Exception(message);

/// <summary>Sees to it that images are there before containers are made of them.</summary>
internal sealed class ImageStock(DockerConnection docker, IProgress<string> progress)
{
    private readonly ConcurrentDictionary<string, Lazy<Task>> _pulls = new(StringComparer.Ordinal);

    /// <summary>The image, after it was pulled where the policy asks for that.</summary>
    /// <exception cref="ImageMissingException">It is not here and cannot be pulled, or must not be.</exception>
    public async Task<ImageInspectResponse> PrepareAsync(
        string image, PullPolicy policy, CancellationToken cancellationToken)
    {
        var found = await FindAsync(image, cancellationToken);
        if (policy is PullPolicy.Never)
        {
            return found ?? throw new ImageMissingException($"The image '{image}' is not on this Docker, and "
                + "imagePullPolicy is Never; build or pull it, or change the policy.");
        }

        if (found is not null && policy is not PullPolicy.Always)
        {
            return found;
        }

        // One pull serves all trials that wait for it, also when the first of them is stopped.
        var pull = _pulls.GetOrAdd(image, key => new(() => PullAsync(key)));
        await pull.Value.WaitAsync(cancellationToken);
        return await FindAsync(image, cancellationToken)
            ?? throw new ImageMissingException($"The image '{image}' was pulled and is gone again; is it pruned?");
    }

    private Task<ImageInspectResponse?> FindAsync(string image, CancellationToken cancellationToken) =>
        docker.CallAsync(
            async token =>
            {
                try
                {
                    return await docker.Client.Images.InspectImageAsync(image, token);
                }
                catch (DockerApiException missing) when (missing.StatusCode is HttpStatusCode.NotFound)
                {
                    return null;
                }
            },
            cancellationToken);

    private async Task PullAsync(string image)
    {
        progress.Report($"Pulling the image {image}.");
        string? error = null;
        try
        {
            // Without a tag Docker would pull all that there are.
            await docker.Client.Images.CreateImageAsync(
                new() { FromImage = HasTag(image) ? image : $"{image}:latest" },
                authConfig: null,
                new Heard(message => error = message.Error?.Message ?? error),
                CancellationToken.None);
        }
        catch (Exception failure) when (
            failure is DockerApiException || DockerConnection.IsAway(failure, CancellationToken.None))
        {
            error = DaemonWords.Of(failure);
        }
        finally
        {
            _ = _pulls.TryRemove(image, out _);
        }

        if (error is not null)
        {
            throw new ImageMissingException($"The image '{image}' cannot be pulled: {error.TrimEnd('.', '\n')}. Check its "
                + $"name, or pull it yourself (`docker pull {image}`, after `docker login` where it is private).");
        }
    }

    private static bool HasTag(string image) => image[(image.LastIndexOf('/') + 1)..].AsSpan().ContainsAny(':', '@');

    /// <summary>In order and at once, unlike <see cref="Progress{T}"/>.</summary>
    private sealed class Heard(Action<JSONMessage> hear) : IProgress<JSONMessage>
    {
        public void Report(JSONMessage value) => hear(value);
    }
}
