using System.Net;
using Grpc.AspNetCore.Server.Model;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Wire = Api.V1.Beta1;

namespace Katib.Hosting;

/// <summary>Serves an algorithm behind Katib's Suggestion contract.</summary>
public static class SuggestionHost
{
    /// <summary>Katib's port for suggestion services.</summary>
    public const int DefaultPort = 6789;

    /// <summary>Runs a service process until SIGTERM, or probes one.</summary>
    /// <returns>The exit code: 0 for a clean stop or a healthy instance, 1 for an unhealthy one, 2 for wrong arguments.</returns>
    public static Task<int> RunAsync(string[] args, string name, ISearchAlgorithm algorithm) =>
        ServiceHost.RunAsync<SuggestionService>(args, ContractOf(name, algorithm));

    /// <summary>A service that is ready to be started, for instance inside <c>katib run</c>; silent unless told where to log.</summary>
    public static WebApplication Build(
        string name, ISearchAlgorithm algorithm, IPEndPoint endpoint, Action<ILoggingBuilder>? log = null) =>
        Build(name, algorithm, endpoint, new(), tls: null, log);

    /// <summary>The same with other limits, or behind TLS.</summary>
    internal static WebApplication Build(
        string name,
        ISearchAlgorithm algorithm,
        IPEndPoint endpoint,
        ServiceLimits limits,
        RotatingTls? tls,
        Action<ILoggingBuilder>? log) =>
        ServiceHost.Build<SuggestionService>(ContractOf(name, algorithm), endpoint, limits, tls, log);

    private static ServedContract ContractOf(string name, ISearchAlgorithm algorithm) => new(
        "suggestion",
        name,
        Wire.Suggestion.Descriptor,
        DefaultPort,
        $"The search algorithm '{name}'",
        services => services
            .AddSingleton(new ServedAlgorithm(name, algorithm))
            .AddSingleton<SuggestionService>()
            .AddSingleton<IServiceMethodProvider<SuggestionService>, SuggestionMethods>());
}
