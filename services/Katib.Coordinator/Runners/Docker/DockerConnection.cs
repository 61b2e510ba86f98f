using System.Globalization;
using System.Net.Sockets;
using Docker.DotNet;

namespace Katib.Coordinator.Runners.Docker;

/// <summary>Calls to a Docker daemon, which may be away for a while.</summary>
internal sealed class DockerConnection : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly IProgress<string> _progress;
    private readonly TimeProvider _time;
    private string? _trouble;

    /// <summary>Without an endpoint, finds the daemon as docker itself does: DOCKER_HOST, the current context, the usual socket.</summary>
    /// <exception cref="RunnerUnavailableException">What is configured is no address.</exception>
    public DockerConnection(Uri? endpoint, IProgress<string> progress, TimeProvider time)
    {
        _progress = progress;
        _time = time;
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

    /// <summary>What calls wait for, as a sentence; null while the daemon answers. May be read from any thread.</summary>
    public string? Trouble => Volatile.Read(ref _trouble);

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
                $"Docker does not answer ({Reason(failure)}). Start it, or let DOCKER_HOST name the daemon; "
                + "`docker context inspect` shows its address, and your user must be allowed to use it.",
                failure);
        }
    }

    /// <summary>Calls until the daemon has answered, with whatever; so the call must be one that may be repeated.</summary>
    public async Task<T> CallAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                var answer = await call(cancellationToken);
                Volatile.Write(ref _trouble, null);
                return answer;
            }
            catch (Exception failure) when (IsAway(failure, cancellationToken))
            {
                await WaitAsync(failure, cancellationToken);
            }
        }
    }

    /// <summary>Waits a moment before the daemon is asked again; says so the first time.</summary>
    public Task WaitAsync(Exception failure, CancellationToken cancellationToken)
    {
        var trouble = string.Create(
            CultureInfo.InvariantCulture,
            $"Docker does not answer since {_time.GetUtcNow():u} ({Reason(failure)}); it is asked again and again.");
        if (Interlocked.CompareExchange(ref _trouble, trouble, null) is null)
        {
            _progress.Report(trouble);
        }

        return Task.Delay(Pause, _time, cancellationToken);
    }

    /// <summary>Whether a call has failed on the way, and not by an answer of the daemon's or our own will.</summary>
    public static bool IsAway(Exception failure, CancellationToken cancellationToken) => failure switch
    {
        DockerApiException => false,
        OperationCanceledException => !cancellationToken.IsCancellationRequested,
        AggregateException several => several.InnerExceptions.Any(inner => IsAway(inner, cancellationToken)),
        _ => failure is HttpRequestException or IOException or SocketException or TimeoutException,
    };

    public void Dispose() => Client.Dispose();

    private static string Reason(Exception failure) => (failure.GetBaseException().Message ?? failure.Message).TrimEnd('.');
}
