import FanfareWire

extension WireFormat {
    /// What a GraphQL client has of its own. Each of its subscriptions has a format with its selection beside it, and none has this one.
    public static let graphQL = WireFormat(id: 104)

    /// What stands behind it.
    static let graphQLFormats: [(WireFormat, FormatDefinition)] = [
        (
            .graphQL,
            GraphQLCodec(
                field: GraphQLPlanField(
                    key: "channel", name: "channel", arguments: [:], problem: nil, parent: "Subscription",
                    selections: [])
            ).definition
        )
    ]
}
