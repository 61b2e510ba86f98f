namespace Katib.Benchmarks;

/// <summary>What it costs to have a service: its start, and what it takes when idle.</summary>
internal static class StartBenchmark
{
    private const int Rounds = 15;

    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(2);

    public static async Task RunAsync(Programs programs)
    {
        string[] algorithms = ["Random", "Grid"];
        var katib = await programs.KatibAsync();
        var services = new List<string>();
        foreach (var algorithm in algorithms)
        {
            services.Add(await programs.ServiceAsync(algorithm));
        }

        Figures.Title($"start: a service's process start to SERVING, median of {Rounds}, against the start to the end of /bin/true");
        _ = await Programs.TimeAsync("/bin/true");
        var baseline = await MedianAsync(static () => Programs.TimeAsync("/bin/true"));
        Figures.Baseline("/bin/true", baseline, "ms");
        Figures.Print("katib --help, for orientation", await MedianAsync(() => Programs.TimeAsync(katib, "--help")), "ms", baseline);
        for (var i = 0; i < algorithms.Length; i++)
        {
            // The first start warms this process's own client up.
            var program = services[i];
            _ = await StartOnceAsync(program);
            Figures.Print($"{algorithms[i]}, start to SERVING", await MedianAsync(() => StartOnceAsync(program)), "ms", baseline);
            using var service = await NativeService.StartAsync(program);
            await Task.Delay(Idle);
            Figures.Note(FormattableString.Invariant(
                $"{algorithms[i]}, idle: {await service.StatusAsync("VmRSS") / 1024:0.0} MiB RSS, {await service.StatusAsync("Threads"):0} threads"));
        }
    }

    private static async Task<double> StartOnceAsync(string program)
    {
        using var service = await NativeService.StartAsync(program);
        return service.StartMilliseconds;
    }

    private static async Task<double> MedianAsync(Func<Task<double>> measure)
    {
        var values = new List<double>();
        for (var i = 0; i < Rounds; i++)
        {
            values.Add(await measure());
        }

        return Figures.Median(values);
    }
}
