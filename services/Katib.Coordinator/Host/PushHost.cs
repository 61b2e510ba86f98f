using System.Net;
using Katib.Coordinator.Api;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Pushing;
using Katib.Coordinator.Runners;
using Katib.Coordinator.Runners.Docker;
using Katib.Coordinator.Storage;
using Microsoft.Extensions.Options;

namespace Katib.Coordinator.Host;

/// <summary>Where the trials of this process push their metrics to, from its start to its end.</summary>
internal sealed partial class PushHost(IOptions<CoordinatorOptions> options, ILogger<PushHost> logger, TimeProvider time)
    : IHostedService, IAsyncDisposable
{
    private readonly CoordinatorOptions _options = options.Value;

    /// <summary>What listens; null before the start.</summary>
    public PushServer? Server { get; private set; }

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var push = _options.Push;
        var seen = _options.Runner is RunnerKind.Docker ? await FindSeenAsync(cancellationToken) : null;
        var location = StoreLocation.Parse(_options.Store, _options.Trials);
        Server = await PushServer.StartAsync(
            new(
                [.. new[] { IPAddress.Parse(push.Bind), seen }.OfType<IPAddress>().Distinct()],
                push.Host,
                push.HttpPort,
                push.GrpcPort,
                location.PortsFile,
                push.AllowAnonymous),
            location,
            _options.Listen.Length > 0 ? AccessToken.Of(_options).Matches : null,
            static _ => { },
            time,
            cancellationToken);
        if (push.AllowAnonymous)
        {
            Log.Anonymous(logger);
        }
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Server?.DisposeAsync() ?? ValueTask.CompletedTask;

    /// <summary>A daemon that is away does not keep the coordinator from its start.</summary>
    private async Task<IPAddress?> FindSeenAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await DockerHostName.FindAddressAsync(time, cancellationToken);
        }
        catch (RunnerUnavailableException away)
        {
            Log.Unseen(logger, away.Message);
            return null;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 31, Level = LogLevel.Warning, Message = "Containers may not reach the push address until the next start: {Reason}")]
        public static partial void Unseen(ILogger logger, string reason);

        [LoggerMessage(EventId = 30, Level = LogLevel.Warning, Message = "Whoever reaches the push address may report, read and delete the metrics of all trials")]
        public static partial void Anonymous(ILogger logger);
    }
}
