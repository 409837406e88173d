import FanfareCore

extension Metric {
    /// All kinds of clients, also those of which there is none.
    static let clients = Metric(
        name: "fanfare_clients", kind: .gauge, help: "Clients with a session now, by what they speak over what."
    ) { source in
        .family(
            ClientKind.served.map { name, transport, kind in
                ([("protocol", name.label), ("transport", transport.label)], Double(source.metrics.sum(kind)))
            })
    }
}
