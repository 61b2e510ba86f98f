using Katib.Coordinator.Host;
using Microsoft.Extensions.Options;

// Runs every Experiment that lies in a folder, each by the algorithm services that the configuration names.
var builder = WebApplication.CreateSlimBuilder(args);
builder.Services
    .AddSingleton<IValidateOptions<CoordinatorOptions>, CoordinatorOptions.Rules>()
    .AddOptionsWithValidateOnStart<CoordinatorOptions>()
    .BindConfiguration(CoordinatorOptions.Section);
builder.Services.AddSingleton(TimeProvider.System);
builder.Services.AddHostedService<ExperimentFolder>();
builder.Services.AddHealthChecks();

var app = builder.Build();
app.MapHealthChecks("/healthz");
try
{
    await app.RunAsync();
    return 0;
}
catch (OptionsValidationException invalid)
{
    await Console.Error.WriteLineAsync(string.Join('\n', invalid.Failures));
    return 2;
}
