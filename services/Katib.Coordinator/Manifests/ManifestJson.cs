using System.Text.Encodings.Web;
using System.Text.Json;

namespace Katib.Coordinator.Manifests;

/// <summary>How a manifest's values are printed for people.</summary>
internal static class ManifestJson
{
    /// <summary>Quotes and signs stay as they are: nothing of it goes into a web page.</summary>
    public static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
