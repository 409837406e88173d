/// The version that `--version`, the metrics and the protocol tell.
public enum FanfareVersion {
    public static let string = "0.1.0"
}
