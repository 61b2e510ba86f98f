using Katib.Coordinator.Api;
using Microsoft.Extensions.Options;

namespace Katib.Coordinator.Host;

/// <summary>The coordinator as a server: health for everybody, and the submit API where it is asked for.</summary>
internal static partial class CoordinatorHost
{
    private const string CertificateSetting = "Kestrel:Certificates:Default:Path";

    /// <summary>A coordinator that is ready to be started.</summary>
    /// <exception cref="OptionsValidationException">The configuration is wrong.</exception>
    public static WebApplication Build(WebApplicationBuilder builder)
    {
        builder.Services
            .AddSingleton<IValidateOptions<CoordinatorOptions>, CoordinatorOptions.Rules>()
            .AddOptionsWithValidateOnStart<CoordinatorOptions>()
            .BindConfiguration(CoordinatorOptions.Section);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<ExperimentRuns>();
        builder.Services.AddSingleton<PushHost>();

        // Before the experiments: their trials are told where to push.
        builder.Services.AddHostedService(static services => services.GetRequiredService<PushHost>());
        builder.Services.AddHostedService<ExperimentFolder>();
        builder.Services.AddHealthChecks();
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(static kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = SubmitApi.MaxBodyBytes;
        });
        var listen = builder.Configuration[$"{CoordinatorOptions.Section}:{nameof(CoordinatorOptions.Listen)}"];
        if (listen is { Length: > 0 })
        {
            builder.WebHost.UseUrls(listen);
        }

        var app = builder.Build();
        app.MapHealthChecks(HealthProbe.Path).AllowAnonymous();
        var options = app.Services.GetRequiredService<IOptions<CoordinatorOptions>>().Value;
        if (options.Listen.Length > 0)
        {
            if (options.Listen.StartsWith("https", StringComparison.OrdinalIgnoreCase) && app.Configuration[CertificateSetting] is null)
            {
                throw new OptionsValidationException(
                    CoordinatorOptions.Section,
                    typeof(CoordinatorOptions),
                    [$"Coordinator:Listen '{options.Listen}' needs a certificate: set {CertificateSetting}, and KeyPath beside it for a PEM file."]);
            }

            SubmitApi.Map(app, AccessToken.Of(options));
            Log.Listening(app.Logger, options.Listen, options.TokenFile.Length > 0 ? Path.GetFullPath(options.TokenFile) : "the configuration");
        }

        return app;
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 10, Level = LogLevel.Information, Message = "Experiments are submitted at {Address} with the token from {Source}")]
        public static partial void Listening(ILogger logger, string address, string source);
    }
}
