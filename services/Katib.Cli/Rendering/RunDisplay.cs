using Katib.Cli.Sources;
using Katib.Coordinator;
using Katib.Coordinator.Experiments;
using Microsoft.Extensions.Logging;
using Spectre.Console;

namespace Katib.Cli.Rendering;

/// <summary>Shows a run: a live table on a terminal, plain lines elsewhere.</summary>
internal sealed class RunDisplay(ExperimentSpec spec, bool toErrorStream, ILogger log, TimeProvider time) : IProgress<ExperimentStep>
{
    private static readonly TimeSpan Refresh = TimeSpan.FromMilliseconds(250);

    private readonly TextWriter _lines = toErrorStream ? Console.Error : Console.Out;
    private readonly bool _isLive = !toErrorStream && AnsiConsole.Profile.Capabilities.Interactive && !Console.IsOutputRedirected;
    private string? _said;

    /// <summary>One step as a line, and for operators; the live table shows it by itself.</summary>
    public void Report(ExperimentStep value)
    {
        value.LogTo(log, spec.Name);
        if (!_isLive)
        {
            _said = value.Message;
            _lines.WriteLine(value);
        }
    }

    /// <summary>Waits for the end of a run and shows it meanwhile.</summary>
    public async Task<T> ShowAsync<T>(Task<T> running, Func<KnownExperiment> look)
    {
        if (_isLive)
        {
            await AnsiConsole.Live(View(look())).AutoClear(true).StartAsync(async screen =>
            {
                while (await Task.WhenAny(running, Task.Delay(Refresh, time, CancellationToken.None)) != running)
                {
                    screen.UpdateTarget(View(look()));
                }
            });
        }

        // What it waits for may be what keeps it from saying so itself.
        while (await Task.WhenAny(running, Task.Delay(Refresh, time, CancellationToken.None)) != running)
        {
            if (look().Note is { } note && note != _said)
            {
                Report(new(note));
            }
        }

        return await running;
    }

    private Rows View(KnownExperiment known) => ExperimentView.Of(known, time.GetUtcNow());
}
