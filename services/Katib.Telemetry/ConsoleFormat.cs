using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Console;

namespace Katib.Telemetry;

/// <summary>How the lines on the console look.</summary>
public static class ConsoleFormat
{
    /// <summary>
    /// Lets <c>Logging__Console__FormatterName=json</c> have its effect: ASP.NET's slim host chooses the plain format in
    /// code, over the configuration.
    /// </summary>
    public static void UseConfiguredConsoleFormat(this IHostApplicationBuilder builder)
    {
        if (builder.Configuration["Logging:Console:FormatterName"] is { Length: > 0 } format)
        {
            _ = builder.Services.PostConfigure<ConsoleLoggerOptions>(console => console.FormatterName = format);
        }
    }
}
