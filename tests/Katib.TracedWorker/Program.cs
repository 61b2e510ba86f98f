using System.Diagnostics;
using OpenTelemetry;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

// A worker as its author writes it who traces already: it continues the trace that it is started in. Its arguments are
// the loss that it reports and the seconds that it takes.
using var traces = Sdk.CreateTracerProviderBuilder()
    .ConfigureResource(static resource => resource.AddService("worker"))
    .AddSource("Worker")
    .AddOtlpExporter()
    .Build();
using var source = new ActivitySource("Worker");
var parent = Environment.GetEnvironmentVariable("TRACEPARENT");
var context = ActivityContext.Parse(parent!, Environment.GetEnvironmentVariable("TRACESTATE"));
using (source.StartActivity("train", ActivityKind.Internal, context))
{
    await Task.Delay(TimeSpan.FromSeconds(double.Parse(args[1], System.Globalization.CultureInfo.InvariantCulture)));
}

Console.WriteLine($"traceparent {parent}");
Console.WriteLine($"loss={args[0]}");
