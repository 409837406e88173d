/// The line that shows how a run goes: rewritten in place on a terminal, else one for each fault.
package struct ChaosProgress: Sendable {
    package let isTerminal: Bool
    private let write: @Sendable (String) -> Void

    /// - Parameter write: puts text where the person looks.
    package init(isTerminal: Bool, write: @escaping @Sendable (String) -> Void) {
        self.isTerminal = isTerminal
        self.write = write
    }

    /// Nothing is shown.
    package static let silent = ChaosProgress(isTerminal: false) { _ in }

    /// The line of this second.
    func live(_ text: String) { if isTerminal { write("\r\u{1B}[K\(text)") } }

    /// A line that stays.
    func say(_ text: String) { write(isTerminal ? "\r\u{1B}[K\(text)\n" : text + "\n") }

    func end() { if isTerminal { write("\r\u{1B}[K") } }
}
