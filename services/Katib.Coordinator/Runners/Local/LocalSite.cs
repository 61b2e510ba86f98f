using Katib.Coordinator.Runners.Attempts;

namespace Katib.Coordinator.Runners.Local;

/// <summary>What all trials of one runner share.</summary>
internal sealed class LocalSite
{
    private readonly Lock _gate = new();
    private Task? _survey;

    public LocalSite(ProcessRunnerOptions options, TimeProvider time)
    {
        Options = options with
        {
            Folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.Folder)),
            WorkingDirectory = Path.GetFullPath(options.WorkingDirectory),
        };
        _ = Directory.CreateDirectory(Options.Folder);
        Time = time;
        Table = OperatingSystem.IsLinux() ? new LinuxProcessTable() : new PsProcessTable();
        Tree = new(Table, time);
        Launcher = Launcher.In(Options.Folder);
        Gpus = new(options.Gpus);
    }

    public ProcessRunnerOptions Options { get; }

    public TimeProvider Time { get; }

    public IProcessTable Table { get; }

    public ProcessTree Tree { get; }

    public Launcher Launcher { get; }

    public GpuSlots Gpus { get; }

    public MetricsPorts Ports { get; } = new();

    /// <summary>Finds out, once and before the first start, which devices are already given away.</summary>
    public Task SurveyAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _survey ??= Gpus.Exist ? Task.Run(ReserveAsync, CancellationToken.None) : Task.CompletedTask;
        }

        return _survey.WaitAsync(cancellationToken);
    }

    private async Task ReserveAsync()
    {
        foreach (var (trial, folder) in AttemptFolder.All(Options.Folder))
        {
            // Without a claim its supervisor may be just about to take it: the device counts as taken too.
            if (folder.ReadGpu() is { } device && folder.ReadExit() is null
                && folder.ReadClaim() switch
                {
                    Claim.Signed signed =>
                        await Table.IsRunningAsync(signed.Supervisor, folder.Path, CancellationToken.None),
                    Claim.Barred => false,
                    _ => true,
                })
            {
                Gpus.Reserve(trial, device);
            }
        }
    }
}
