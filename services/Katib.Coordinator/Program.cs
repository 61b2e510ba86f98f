using Katib.Coordinator.Host;
using Katib.Telemetry;
using Microsoft.Extensions.Options;

// Runs every Experiment that lies in a folder, each by the algorithm services that the configuration names.
var builder = WebApplication.CreateSlimBuilder(args);
builder.UseConfiguredConsoleFormat();
builder.Services
    .AddSingleton<IValidateOptions<CoordinatorOptions>, CoordinatorOptions.Rules>()
    .AddOptionsWithValidateOnStart<CoordinatorOptions>()
    .BindConfiguration(CoordinatorOptions.Section);
builder.Services.AddSingleton(TimeProvider.System);
builder.Services.AddHostedService<ExperimentFolder>();
builder.Services.AddHealthChecks();

try
{
    await using var telemetry = await TelemetryPipeline.StartAsync("katib-coordinator", CancellationToken.None);
    telemetry.AddTo(builder.Logging);
    await using var app = builder.Build();
    app.MapHealthChecks("/healthz");
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
