namespace Katib.Cli;

/// <summary>What <c>katib</c> tells the shell.</summary>
internal static class ExitCodes
{
    /// <summary>Done; for <c>run</c>: the experiment has succeeded.</summary>
    public const int Success = 0;

    /// <summary>The experiment has failed or cannot go on, or the coordinator does not answer.</summary>
    public const int Failure = 1;

    /// <summary>The command line, the file, the store or the token is wrong.</summary>
    public const int Usage = 2;

    /// <summary>Stopped by Ctrl-C or SIGTERM; the same command goes on, or follows again.</summary>
    public const int Interrupted = 130;
}

/// <summary>The user asked for something that cannot be; the message says what to do instead.</summary>
internal sealed class UserException(string message) : Exception(message);
