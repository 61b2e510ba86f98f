using System.Diagnostics;

namespace Katib.Benchmarks;

/// <summary>How long a reply takes when the request tells a long history.</summary>
internal static class SuggestBenchmark
{
    private const int Trials = 1000;
    private const int WarmUps = 50;
    private const int Calls = 200;

    public static async Task RunAsync(Programs programs)
    {
        var program = await programs.ServiceAsync("Random");
        Figures.Title(
            $"suggest: GetSuggestions with {Trials} trials of 10 parameters, {Calls} calls after {WarmUps}, against a health check");
        using var service = await NativeService.StartAsync(program);
        var request = Given.Request(Trials);
        var health = await TimesAsync(async () => await service.Health.CheckAsync(new()));
        var suggest = await TimesAsync(async () => await service.Suggestion.GetSuggestionsAsync(request));
        Figures.Baseline("health check, p50", Figures.Median(health), "ms");
        Figures.Baseline("health check, p95", Figures.Quantile(health, 0.95), "ms");
        Figures.Print("GetSuggestions, p50", Figures.Median(suggest), "ms", Figures.Median(health));
        Figures.Print("GetSuggestions, p95", Figures.Quantile(suggest, 0.95), "ms", Figures.Quantile(health, 0.95));
        Figures.Note(FormattableString.Invariant($"the request has {request.CalculateSize() / 1024} KiB"));
    }

    private static async Task<List<double>> TimesAsync(Func<Task> call)
    {
        for (var i = 0; i < WarmUps; i++)
        {
            await call();
        }

        var times = new List<double>();
        for (var i = 0; i < Calls; i++)
        {
            var begun = Stopwatch.GetTimestamp();
            await call();
            times.Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
        }

        return times;
    }
}
