"""What a deployment is made of in AWS: a stack per lifetime, a construct per capability."""
