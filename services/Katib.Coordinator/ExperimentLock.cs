namespace Katib.Coordinator;

/// <summary>Held by the one process that works on an experiment; the operating system releases it when that process dies.</summary>
public sealed class ExperimentLock : IDisposable
{
    private readonly FileStream _file;

    private ExperimentLock(FileStream file) => _file = file;

    /// <summary>Takes the lock of the experiment whose trials live in <paramref name="folder"/>; null when another process has it.</summary>
    public static ExperimentLock? TryTake(string folder)
    {
        _ = Directory.CreateDirectory(folder);
        try
        {
            return new(new(Path.Combine(folder, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
