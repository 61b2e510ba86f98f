using System.Security.Cryptography;
using Katib.Coordinator.Host;
using Katib.Coordinator.Storage;
using Katib.Telemetry;
using Microsoft.Extensions.Options;

// Runs the Experiments that lie in a folder or are submitted, each by the algorithm services that the configuration names.
const string Probe = "--probe";
var builder = WebApplication.CreateSlimBuilder([.. args.Where(static a => a is not Probe)]);
if (args.Contains(Probe))
{
    return await HealthProbe.RunAsync(builder.Configuration);
}

try
{
    await using var telemetry = await TelemetryPipeline.StartAsync("katib-coordinator", CancellationToken.None);
    telemetry.AddTo(builder.Logging);
    builder.UseConfiguredConsoleFormat();
    await using var app = CoordinatorHost.Build(builder);
    await app.RunAsync();
    return 0;
}
catch (TelemetryException wrong)
{
    await Console.Error.WriteLineAsync(wrong.Message);
    return 2;
}
catch (OptionsValidationException invalid)
{
    await Console.Error.WriteLineAsync(string.Join('\n', invalid.Failures));
    return 2;
}
catch (Exception unusable) when (unusable is StoreException or IOException or UnauthorizedAccessException or CryptographicException)
{
    await Console.Error.WriteLineAsync(unusable.Message);
    return 2;
}
