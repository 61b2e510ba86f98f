using System.Collections.Immutable;
using System.Net;
using Grpc.AspNetCore.Server.Model;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Wire = Api.V1.Beta1;

namespace Katib.Hosting;

/// <summary>Serves rules for ending trials early behind Katib's EarlyStopping contract.</summary>
public static class StoppingHost
{
    /// <summary>Katib's port for early stopping services.</summary>
    public const int DefaultPort = 6788;

    /// <summary>Runs a service process until SIGTERM, or probes one.</summary>
    /// <param name="args">The program's arguments.</param>
    /// <param name="rules">What is served, by the names that experiments use; at least one, the first names the service.</param>
    /// <returns>The exit code: 0 for a clean stop or a healthy instance, 1 for an unhealthy one, 2 for wrong arguments.</returns>
    public static Task<int> RunAsync(string[] args, params ImmutableArray<(string Name, IStoppingRule Rule)> rules) =>
        ServiceHost.RunAsync<StoppingService>(args, ContractOf(rules));

    /// <summary>A service that is ready to be started, for instance inside <c>katib run</c>; silent unless told where to log.</summary>
    public static WebApplication Build(
        IPEndPoint endpoint, Action<ILoggingBuilder>? log, params ImmutableArray<(string Name, IStoppingRule Rule)> rules) =>
        ServiceHost.Build<StoppingService>(ContractOf(rules), endpoint, new(), tls: null, log);

    private static ServedContract ContractOf(ImmutableArray<(string Name, IStoppingRule Rule)> rules) => new(
        "earlystopping",
        rules[0].Name,
        Wire.EarlyStopping.Descriptor,
        DefaultPort,
        $"Rules for ending trials early, {string.Join(", ", rules.Select(static r => $"'{r.Name}'"))}",
        services => services
            .AddSingleton(new ServedRules(rules))
            .AddSingleton<LogReader>()
            .AddSingleton<TrialConditions>()
            .AddSingleton(TimeProvider.System)
            .AddSingleton<StoppingService>()
            .AddSingleton<IServiceMethodProvider<StoppingService>, StoppingMethods>());
}
