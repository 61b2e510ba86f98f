using System.Diagnostics;
using System.Reflection;
using Katib.Coordinator.Runners.Attempts;

namespace Katib.Coordinator.Runners.Local;

/// <summary>Starts supervisors, each as the leader of a session of its own.</summary>
internal sealed class Launcher
{
    private const string PerlSetsid = "use POSIX (); POSIX::setsid(); exec { $ARGV[0] } @ARGV; exit 127;";

    private readonly CommandPrefix _newSession;
    private readonly string _script;

    private Launcher(CommandPrefix newSession, string script)
    {
        _newSession = newSession;
        _script = script;
    }

    /// <summary>Uses setsid where it exists and Perl elsewhere (macOS has no setsid, and Perl).</summary>
    public static Launcher In(string root) =>
        ExecutablePath.Find("setsid", ExecutablePath.Own, "/") is { } setsid
            ? new(new(setsid, []), Unpack(root))
            : WithPerl(root);

    /// <inheritdoc cref="In"/>
    public static Launcher WithPerl(string root) =>
        ExecutablePath.Find("perl", ExecutablePath.Own, "/") is { } perl
            ? new(new(perl, ["-e", PerlSetsid]), Unpack(root))
            : throw new InvalidOperationException(
                "Local trials need 'setsid' (package util-linux) or 'perl' on the PATH, and neither is there.");

    /// <summary>Starts the supervisor of one attempt. It may yet find that another one has the claim.</summary>
    public Process Start(AttemptFolder folder, LocalProgram program)
    {
        var start = new ProcessStartInfo(
            _newSession.File, [.. _newSession.Arguments, "/bin/sh", _script, folder.Path, .. program.CommandLine])
        {
            WorkingDirectory = program.WorkingDirectory,
        };
        start.Environment.Clear();
        foreach (var (name, value) in program.Environment)
        {
            start.Environment[name] = value;
        }

        start.Environment[TrialMarker.Variable] = folder.Path;
        return Process.Start(start) ?? throw new InvalidOperationException($"Could not start {_newSession.File}.");
    }

    /// <summary>Puts the script where the shell can read it; one that runs keeps the file that it has open.</summary>
    private static string Unpack(string root)
    {
        using var resource = Assembly.GetExecutingAssembly().GetManifestResourceStream("supervisor.sh")
            ?? throw new InvalidOperationException("The assembly lacks supervisor.sh.");
        using var reader = new StreamReader(resource);
        var text = reader.ReadToEnd();

        // No trial's name begins with a dot.
        var script = Path.Combine(root, ".supervisor.sh");
        if (!File.Exists(script) || File.ReadAllText(script) != text)
        {
            var draft = Path.Combine(root, $".{Path.GetRandomFileName()}");
            File.WriteAllText(draft, text);
            File.Move(draft, script, overwrite: true);
        }

        return script;
    }

    private readonly record struct CommandPrefix(string File, string[] Arguments);
}
