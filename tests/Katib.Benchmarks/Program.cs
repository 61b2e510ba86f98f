using System.Globalization;
using Katib.Benchmarks;
using Katib.Benchmarks.SideBySide;

if (args is ["quality", .. var rest])
{
    return await QualityCommand.RunAsync(rest);
}

// Every figure of the README, beside a baseline that was measured in the same run. Linux only: it reads /proc.
const string usage = """
    Measures the figures of the README, each beside a baseline of the same run.

      start    a published service, process start to SERVING, and what it takes when idle; against /bin/true
      suggest  GetSuggestions with 1,000 trials of 10 parameters in the request; against a health check
      load     calls a second with 1 and 8 clients, and how long they take; against health checks
      memory   4 requests of 20,000 trials of 10 parameters at once; against the idle service
      loop     coordinator's CPU for each trial that does nothing; against bare process starts
      store    status, best and export with 20,000 trials in the store; against katib --help
      containers  start and memory of the images that `docker compose build` has made, inside Katib's limits
      stopping  worker time that early stopping saves on a real training; against none (a quarter of an hour)
      push     observations that 200 trials push in a second; against a server that does nothing
      quality  a command of its own: how good the points are, side by side with other optimisers

      --bin FOLDER   published programs, laid out as in artifacts/publish; they are published there when left out
      --store URL    the database for push, in place of a SQLite file
      --trials N     how many trials the loop runs (default 5000)
    """;
string? store = null;
var benchmarks = new Dictionary<string, Func<Programs, int, Task>>(StringComparer.Ordinal)
{
    ["start"] = static (programs, _) => StartBenchmark.RunAsync(programs),
    ["suggest"] = static (programs, _) => SuggestBenchmark.RunAsync(programs),
    ["load"] = static (programs, _) => LoadBenchmark.RunAsync(programs),
    ["memory"] = static (programs, _) => MemoryBenchmark.RunAsync(programs),
    ["loop"] = static (_, trials) => LoopBenchmark.RunAsync(trials),
    ["store"] = static (programs, _) => StoreBenchmark.RunAsync(programs),
    ["containers"] = static (_, _) => ContainersBenchmark.RunAsync(),
    ["stopping"] = static (_, _) => StoppingBenchmark.RunAsync(),
    ["push"] = (_, _) => PushBenchmark.RunAsync(store),
};
var names = new List<string>();
var trials = 5000;
string? bin = null;
for (var i = 0; i < args.Length; i++)
{
    switch (args[i])
    {
        case "--bin" when i + 1 < args.Length:
            bin = args[++i];
            break;
        case "--store" when i + 1 < args.Length:
            store = args[++i];
            break;
        case "--trials" when i + 1 < args.Length
            && int.TryParse(args[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out trials) && trials > 0:
            i++;
            break;
        case var name when benchmarks.ContainsKey(name):
            names.Add(name);
            break;
        default:
            await Console.Error.WriteLineAsync($"'{args[i]}' is not understood.\n\n{usage}");
            return 2;
    }
}

var load = await File.ReadAllTextAsync("/proc/loadavg");
Console.WriteLine(string.Create(
    CultureInfo.InvariantCulture,
    $"{Environment.ProcessorCount} cores, {Environment.OSVersion}, .NET {Environment.Version}, load {load.Split(' ')[0]}"));
using var published = new Programs(bin);
foreach (var name in names.Count is 0 ? [.. benchmarks.Keys] : names)
{
    await benchmarks[name](published, trials);
}

return 0;
