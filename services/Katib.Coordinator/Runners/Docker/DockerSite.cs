using Katib.Coordinator.Runners.Attempts;

namespace Katib.Coordinator.Runners.Docker;

/// <summary>What all trials of one runner share.</summary>
internal sealed class DockerSite : IDisposable
{
    private readonly Lock _gate = new();
    private Task? _survey;

    public DockerSite(DockerRunnerOptions options, IProgress<string> progress, TimeProvider time)
    {
        Options = options with { Folder = Path.GetFullPath(options.Folder) };
        _ = Directory.CreateDirectory(Options.Folder);
        Progress = progress;
        Time = time;
        Labels = new(options.Store, options.Namespace, options.Experiment);
        Docker = new(options.Endpoint, progress, time);
        Images = new(Docker, progress);
        Gpus = new(options.Gpus);
    }

    public DockerRunnerOptions Options { get; }

    public IProgress<string> Progress { get; }

    public TimeProvider Time { get; }

    public ContainerLabels Labels { get; }

    public DockerConnection Docker { get; }

    public ImageStock Images { get; }

    public GpuSlots Gpus { get; }

    /// <summary>Finds out, once and before the first start, which devices are already given away.</summary>
    public Task SurveyAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _survey ??= Gpus.Exist ? Task.Run(ReserveAsync, CancellationToken.None) : Task.CompletedTask;
        }

        return _survey.WaitAsync(cancellationToken);
    }

    public void Dispose() => Docker.Dispose();

    private async Task ReserveAsync()
    {
        var containers = await Docker.CallAsync(
            token => Docker.Client.Containers.ListContainersAsync(
                new() { All = true, Filters = ContainerLabels.Filter(Labels.OfExperiment()) }, token),
            CancellationToken.None);
        // One that has ended has given its device back, and may have been kept.
        foreach (var container in containers.Where(static c => c.State is not ("exited" or "dead")))
        {
            if (ContainerLabels.DeviceOf(container.Labels) is var (trial, device))
            {
                Gpus.Reserve(trial, device);
            }
        }
    }
}
