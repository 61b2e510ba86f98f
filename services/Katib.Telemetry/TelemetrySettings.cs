using System.Globalization;

namespace Katib.Telemetry;

/// <summary>A variable of the environment makes no sense; the message says which and what to do.</summary>
public sealed class TelemetryException(string message) : Exception(message);

/// <summary>What the environment asks for, in OpenTelemetry's variables and METRICS_PORT.</summary>
/// <param name="Traces">Whether spans are sent.</param>
/// <param name="Metrics">Whether metrics are sent.</param>
/// <param name="Logs">Whether logs are sent.</param>
/// <param name="MetricsPort">The port that Prometheus scrapes; null for none.</param>
internal sealed record TelemetrySettings(bool Traces, bool Metrics, bool Logs, int? MetricsPort)
{
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";

    /// <summary>Reads them. All the rest, protocol, headers, names, intervals, is read by OpenTelemetry's own library.</summary>
    /// <exception cref="TelemetryException">A variable makes no sense.</exception>
    public static TelemetrySettings Read(Func<string, string?> variable)
    {
        var port = PortOf(variable("METRICS_PORT"));
        return "true".Equals(variable("OTEL_SDK_DISABLED"), StringComparison.OrdinalIgnoreCase)
            ? new(false, false, false, null)
            : new(IsSent("TRACES"), IsSent("METRICS"), IsSent("LOGS"), port);

        // Without an address nothing is sent: the library's default is a collector on this machine, which most have not.
        bool IsSent(string signal)
        {
            var own = $"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT";
            var hasEndpoint = IsEndpoint(own, variable(own)) | IsEndpoint(Endpoint, variable(Endpoint));
            return hasEndpoint && variable($"OTEL_{signal}_EXPORTER") is not "none";
        }
    }

    private static bool IsEndpoint(string name, string? value)
    {
        if (string.IsNullOrEmpty(value))
        {
            return false;
        }

        return Uri.TryCreate(value, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"
            ? true
            : throw new TelemetryException($"{name} must be an address such as http://collector:4317, not '{value}'.");
    }

    private static int? PortOf(string? value)
    {
        if (string.IsNullOrEmpty(value))
        {
            return null;
        }

        return int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= 65535
            ? port
            : throw new TelemetryException($"METRICS_PORT must be a number between 1 and 65535, not '{value}'.");
    }
}
