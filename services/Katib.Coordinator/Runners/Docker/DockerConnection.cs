using System.Net.Sockets;
using Docker.DotNet;

namespace Katib.Coordinator.Runners.Docker;

/// <summary>Calls to a Docker daemon, which may be away for a while.</summary>
internal sealed class DockerConnection : IDisposable
{
    private readonly Patience _patience;

    /// <summary>Without an endpoint, finds the daemon as docker itself does: DOCKER_HOST, the current context, the usual socket.</summary>
    /// <exception cref="RunnerUnavailableException">What is configured is no address.</exception>
    public DockerConnection(Uri? endpoint, IProgress<string> progress, TimeProvider time)
    {
        _patience = new("Docker", IsAway, progress, time);
        try
        {
            var builder = new DockerClientBuilder();
            Client = (endpoint is null ? builder : builder.WithEndpoint(endpoint)).Build();
        }
        catch (Exception failure) when (failure is SshDockerEndpointNotSupportedException or DockerConfigurationException)
        {
            throw new RunnerUnavailableException(
                $"{failure.Message} Let DOCKER_HOST name the daemon, for instance unix:///var/run/docker.sock.", failure);
        }
    }

    public DockerClient Client { get; }

    /// <inheritdoc cref="Patience.Trouble"/>
    public string? Trouble => _patience.Trouble;

    /// <summary>Calls once.</summary>
    /// <exception cref="RunnerUnavailableException">The daemon does not answer, or refuses.</exception>
    public static async Task<T> OnceAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            return await call(cancellationToken);
        }
        catch (DockerApiException refusal)
        {
            throw new RunnerUnavailableException($"Docker refuses: {DaemonWords.Of(refusal)}.", refusal);
        }
        catch (Exception failure) when (IsAway(failure, cancellationToken))
        {
            throw new RunnerUnavailableException(
                $"Docker does not answer ({Patience.Reason(failure)}). Start it, or let DOCKER_HOST name the daemon; "
                + "`docker context inspect` shows its address, and your user must be allowed to use it.",
                failure);
        }
    }

    /// <inheritdoc cref="Patience.CallAsync"/>
    public Task<T> CallAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken) =>
        _patience.CallAsync(call, cancellationToken);

    /// <inheritdoc cref="Patience.WaitAsync"/>
    public Task WaitAsync(Exception failure, CancellationToken cancellationToken) => _patience.WaitAsync(failure, cancellationToken);

    /// <summary>Whether a call has failed on the way, and not by an answer of the daemon's or our own will.</summary>
    public static bool IsAway(Exception failure, CancellationToken cancellationToken) => failure switch
    {
        DockerApiException => false,
        OperationCanceledException => !cancellationToken.IsCancellationRequested,
        AggregateException several => several.InnerExceptions.Any(inner => IsAway(inner, cancellationToken)),
        _ => failure is HttpRequestException or IOException or SocketException or TimeoutException,
    };

    public void Dispose() => Client.Dispose();
}
