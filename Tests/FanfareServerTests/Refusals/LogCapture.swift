import Logging
import Synchronization

/// Keeps what is logged, for a test to look at.
final class LogCapture: Sendable {
    private let lines = Mutex<[String]>([])

    /// Each as level, message, and metadata in the order of their names.
    var all: [String] { lines.withLock { $0 } }

    func logger(_ level: Logger.Level = .info) -> Logger {
        var logger = Logger(label: "test") { _ in Handler(capture: self) }
        logger.logLevel = level
        return logger
    }

    private struct Handler: LogHandler {
        let capture: LogCapture
        var logLevel = Logger.Level.info
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let fields = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
            capture.lines.withLock { $0.append("\(event.level): \(event.message)\(fields.joined())") }
        }
    }
}
