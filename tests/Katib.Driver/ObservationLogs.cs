using System.Collections.Concurrent;
using System.Net;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Wire = Api.V1.Beta1;

namespace Katib.Driver;

/// <summary>A DB manager that knows what a test tells it.</summary>
public sealed class ObservationLogs : Wire.DBManager.DBManagerBase
{
    /// <summary>The values of <c>loss</c> that each trial has reported, in that order.</summary>
    public ConcurrentDictionary<string, string[]> Of { get; } = [];

    /// <summary>What it was asked, and with which authorization.</summary>
    public ConcurrentQueue<(string Trial, string Metric, string? Authorization)> Calls { get; } = [];

    /// <summary>What it says in place of an answer; null to answer.</summary>
    public Status? Refusal { get; set; }

    /// <summary>Serves it until the host is disposed.</summary>
    public async Task<WebApplication> ServeAsync(IPAddress address, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(this);
        builder.Services.AddGrpc();
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.Listen(address, 0, static listen => listen.Protocols = HttpProtocols.Http2));
        var host = builder.Build();
        host.MapGrpcService<ObservationLogs>();
        await host.StartAsync(cancellationToken);
        return host;
    }

    /// <inheritdoc/>
    public override Task<Wire.GetObservationLogReply> GetObservationLog(
        Wire.GetObservationLogRequest request, ServerCallContext context)
    {
        if (Refusal is { } refusal)
        {
            throw new RpcException(refusal);
        }

        Calls.Enqueue((request.TrialName, request.MetricName, context.RequestHeaders.GetValue("authorization")));
        var log = new Wire.ObservationLog();
        log.MetricLogs.Add(Of.GetValueOrDefault(request.TrialName, []).Select(static value => new Wire.MetricLog
        {
            TimeStamp = "2026-01-31T12:00:00Z",
            Metric = new() { Name = "loss", Value = value },
        }));
        return Task.FromResult(new Wire.GetObservationLogReply { ObservationLog = log });
    }
}
