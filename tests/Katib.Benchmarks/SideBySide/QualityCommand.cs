namespace Katib.Benchmarks.SideBySide;

/// <summary>The command <c>quality</c>: how good the points are that optimisers find, side by side.</summary>
internal static class QualityCommand
{
    private static readonly string Usage = $"""
        quality problems [WORD...]   lists problems, and checks what is said of their minima
        quality run OPTIONS          runs an optimiser afresh, and compares it with what is recorded
        quality record OPTIONS       adds the runs to tests/Katib.Benchmarks/SideBySide/recorded that are not there yet
        quality compare OPTIONS      prints what is recorded, side by side
        quality latency OPTIONS      how long a suggestion takes by the length of the history, and how much memory

        A WORD is tune, judge, judge-synthetic, judge-real, checks, a problem or bbob-FAMILY-DIMENSION-INSTANCE.

        which optimiser (run, record, latency)
          --optimizer NAME           {Optimizers.Names}
          --service PROGRAM          or a service program, started on a free port
          --url URL                  or a server of Katib's contract that runs already
          --algorithm NAME           the name to ask a program or server for (default bayesianoptimization)
          --set KEY=VALUE...         algorithm settings
          --label NAME               what it is called in tables and files
          --peer LIBRARY=PATH        where optuna, skopt or hebo lie: what is to stand in PYTHONPATH
          --python PROGRAM           the interpreter for peers (default python3)
        what is run (run, record)
          --problems WORD...         (default judge; also of compare)
          --budget N                 trials of a run; it holds all smaller budgets (default 100; of compare 50,100)
          --parallel N,N             trials at once (default 1; of compare 1,4)
          --seeds N-N                (default 0-19)
          --jobs N                   runs at once (default 1)
          --out FILE                 where to keep the runs
        what is measured (latency); with --peer skopt=PATH, scikit-optimize in the same run
          --problems WORD            (default tune-rosenbrock-8)
          --lengths N,N              trials in the history (default 100,300,1000,3000; of scikit-optimize 10,100,300)
          --calls N                  calls measured, after 5 others (default 40; of scikit-optimize 3, after 1)
        what is printed (run, compare)
          --of NAME...               whose differences from all others
          --only NAME...             which optimisers
          --with FILE...             more files of runs
          --show regret              medians of the regret, not means of the score
        """;

    /// <summary>Runs one subcommand.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        string[] running =
            [.. Optimizers.Options, "--problems", "--budget", "--parallel", "--seeds", "--jobs", "--out"];
        string[] printing = ["--problems", "--budget", "--parallel", "--of", "--only", "--with", "--show"];
        try
        {
            switch (args)
            {
                case ["problems"]:
                    return await RunAsync([.. args, "tune", "judge", "checks"]);
                case ["problems", .. var words]:
                    return ProblemList.Print([.. words.SelectMany(static w => ProblemSets.Find(w))]);
                case ["run", .. var rest]:
                    var options = new QualityOptions(rest, [.. running, .. printing]);
                    var fresh = Directory.CreateDirectory(Path.Combine(Repository.Folder, "artifacts", "quality")).FullName;
                    if (options.One("--out") is null)
                    {
                        File.Delete(Path.Combine(fresh, $"{Optimizers.NameOf(options)}.csv"));
                    }

                    CompareCommand.Run(options, await RunCommand.RunAsync(options, fresh));
                    return 0;
                case ["record", .. var rest]:
                    _ = await RunCommand.RunAsync(new(rest, running), TraceFile.Recorded);
                    return 0;
                case ["compare", .. var rest]:
                    CompareCommand.Run(new(rest, printing));
                    return 0;
                case ["latency", .. var rest]:
                    await LatencyCommand.RunAsync(
                        new(rest, [.. Optimizers.Options, "--problems", "--lengths", "--calls"]));
                    return 0;
                default:
                    await Console.Error.WriteLineAsync(Usage);
                    return 2;
            }
        }
        catch (ArgumentException mistake)
        {
            await Console.Error.WriteLineAsync($"{mistake.Message}\n\n{Usage}");
            return 2;
        }
    }
}
