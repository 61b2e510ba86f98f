namespace Katib.Coordinator.Experiments;

/// <summary>What an experiment's trials are run as.</summary>
public enum RunnerKind
{
    /// <summary>Processes of this machine.</summary>
    Process,

    /// <summary>Containers of a Docker daemon.</summary>
    Docker,

    /// <summary>Objects of a Kubernetes cluster.</summary>
    Kubernetes,
}
