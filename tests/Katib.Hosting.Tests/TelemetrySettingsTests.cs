using Katib.Telemetry;

namespace Katib.Hosting.Tests;

/// <summary>Which variables turn what on.</summary>
public sealed class TelemetrySettingsTests
{
    [Theory]
    [InlineData("", false, false, false, null)]
    [InlineData("OTEL_SERVICE_NAME=x", false, false, false, null)]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4317", true, true, true, null)]
    [InlineData("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=https://c:4317", true, false, false, null)]
    [InlineData("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=http://c:4318/v1/logs METRICS_PORT=9464", false, false, true, 9464)]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4317 OTEL_METRICS_EXPORTER=none OTEL_LOGS_EXPORTER=none", true, false, false, null)]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4317 METRICS_PORT=9464 OTEL_SDK_DISABLED=True", false, false, false, null)]
    public void Nothing_is_told_but_what_the_environment_asks_for(string variables, bool traces, bool metrics, bool logs, int? port)
    {
        var environment = variables.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(static v => v.Split('=', 2)).ToDictionary(static v => v[0], static v => v[1]);

        var settings = TelemetrySettings.Read(environment.GetValueOrDefault);

        Assert.Equal(new(traces, metrics, logs, port), settings);
    }

    [Theory]
    [InlineData("METRICS_PORT", "65536")]
    [InlineData("METRICS_PORT", "http")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317")]
    [InlineData("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "ftp://collector")]
    public void A_variable_that_makes_no_sense_is_named_with_its_value(string name, string value)
    {
        var wrong = Assert.Throws<TelemetryException>(() => TelemetrySettings.Read(n => n == name ? value : null));

        Assert.Contains(name, wrong.Message, StringComparison.Ordinal);
        Assert.Contains($"'{value}'", wrong.Message, StringComparison.Ordinal);
    }
}
