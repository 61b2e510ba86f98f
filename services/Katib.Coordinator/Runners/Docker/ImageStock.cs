using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using Docker.DotNet;
using Docker.DotNet.Models;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Runners.Attempts;

namespace Katib.Coordinator.Runners.Docker;

/// <summary>The image cannot be had, or not be run as asked; the message says why and what to do.</summary>
internal sealed class ImageProblemException(string message) : Exception(message);

/// <summary>Sees to it that images are there before containers are made of them.</summary>
internal sealed class ImageStock(DockerConnection docker, IProgress<string> progress)
{
    private readonly ConcurrentDictionary<string, Lazy<Task>> _pulls = new(StringComparer.Ordinal);

    /// <summary>The id of a template's image, after it was pulled where the policy asks for that.</summary>
    /// <exception cref="ImageProblemException">It cannot be had, or its user is root where root must not be.</exception>
    public async Task<string> PrepareAsync(ContainerTemplate template, TrialNote note, CancellationToken cancellationToken)
    {
        var image = await PrepareAsync(template.Image, template.Pull, note, cancellationToken);
        var user = image.Config?.User;
        return template.Security is { MustNotBeRoot: true, User: null } && !IsOrdinary(user)
            ? throw new ImageProblemException($"runAsNonRoot is set, but the image '{template.Image}' runs as "
                + (string.IsNullOrEmpty(user) ? "root" : $"'{user}', which is no number")
                + "; write runAsUser, or take an image with a numeric user.")
            : image.ID;
    }

    private async Task<ImageInspectResponse> PrepareAsync(
        string image, PullPolicy policy, TrialNote note, CancellationToken cancellationToken)
    {
        var found = await FindAsync(image, cancellationToken);
        if (policy is PullPolicy.Never)
        {
            return found ?? throw new ImageProblemException($"The image '{image}' is not on this Docker, and "
                + "imagePullPolicy is Never; build or pull it, or change the policy.");
        }

        if (found is not null && policy is not PullPolicy.Always)
        {
            return found;
        }

        // One pull serves all trials that wait for it, also when the first of them is stopped.
        var pull = _pulls.GetOrAdd(image, key => new(() => PullAsync(key)));
        await note(TrialReasons.PullingImage, $"Its image {image} is being pulled.");
        await pull.Value.WaitAsync(cancellationToken);
        return await FindAsync(image, cancellationToken)
            ?? throw new ImageProblemException($"The image '{image}' was pulled and is gone again; is it pruned?");
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
            throw new ImageProblemException($"The image '{image}' cannot be pulled: {error.TrimEnd('.', '\n')}. Check its "
                + $"name, or pull it yourself (`docker pull {image}`, after `docker login` where it is private).");
        }
    }

    private static bool IsOrdinary(string? user) =>
        long.TryParse(user?.Split(':')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0;

    private static bool HasTag(string image) => image[(image.LastIndexOf('/') + 1)..].AsSpan().ContainsAny(':', '@');

    /// <summary>In order and at once, unlike <see cref="Progress{T}"/>.</summary>
    private sealed class Heard(Action<JSONMessage> hear) : IProgress<JSONMessage>
    {
        public void Report(JSONMessage value) => hear(value);
    }
}
