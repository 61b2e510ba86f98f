namespace Katib.Benchmarks;

/// <summary>The most memory that a service ever held, after large requests at once.</summary>
internal static class MemoryBenchmark
{
    private const int Trials = 20_000;
    private const int AtOnce = 4;

    public static async Task RunAsync(Programs programs)
    {
        var program = await programs.ServiceAsync("Random");
        Figures.Title($"memory: peak RSS after {AtOnce} requests of {Trials} trials of 10 parameters at once, against the fresh service");
        using var service = await NativeService.StartAsync(program);
        var fresh = await service.StatusAsync("VmHWM") / 1024;
        var request = Given.Request(Trials);
        _ = await Task.WhenAll(Enumerable.Range(0, AtOnce)
            .Select(async _ => await service.Suggestion.GetSuggestionsAsync(request)));
        Figures.Baseline("fresh service, peak RSS", fresh, "MiB");
        Figures.Print("after the requests, peak RSS", await service.StatusAsync("VmHWM") / 1024, "MiB", fresh);
        Figures.Note(FormattableString.Invariant($"each request has {request.CalculateSize() / 1024} KiB"));
    }
}
