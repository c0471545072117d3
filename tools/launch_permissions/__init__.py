"""Whether a launch role can create, update and delete what the products' templates make, before anybody launches one.

`resource_rights` knows which rights CloudFormation's handler of each resource type uses, `needs` turns a product's
template into the requests that it makes of its launch role, `roles` tells what a role may do, and `findings` compares.
"""
